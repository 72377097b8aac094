import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

export const entry = fileURLToPath(new URL('../../../bin/spillway.mjs', import.meta.url))

/** Runs the built command with an environment of just these variables. */
export function spillway(args: readonly string[], env: Record<string, string> = {}, program = entry) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [program, ...args], {
    encoding: 'utf8',
    env: { PATH: process.env.PATH ?? '', ...env },
  })
  return { exitCode: status, stdout, stderr }
}
