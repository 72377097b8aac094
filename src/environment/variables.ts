import { HostFiles } from './host-files.js'

/** This process's variables, or those of the fixture host's process. */
export function readEnvironmentVariables(root: string): Record<string, string | undefined> {
  const files = new HostFiles(root)
  // Of the real process Node knows better: /proc/self/environ is closed to a process with file capabilities.
  if (files.real) return process.env
  const entries = (files.text('proc/self/environ') ?? '').split(/[\0\n]/).flatMap((entry) => {
    const equals = entry.indexOf('=')
    return equals > 0 ? [[entry.slice(0, equals), entry.slice(equals + 1)] as const] : []
  })
  return Object.fromEntries(entries)
}
