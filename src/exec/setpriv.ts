import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { SpillwayError } from '../errors.js'

/** What a program is started with so that it dies with us: nobody else would stop its lcores. */
export const diesWithUs = ['--pdeathsig', 'SIGKILL'] as const

/**
 * That setpriv can do it: BusyBox's has no such option, and says so only where the program should have started.
 *
 * @throws SpillwayError `ERR_MISSING_TOOL`
 */
export async function requireSetpriv(): Promise<void> {
  try {
    await promisify(execFile)('setpriv', [...diesWithUs, '--version'])
  } catch (cause) {
    throw new SpillwayError('ERR_MISSING_TOOL', `need setpriv with --pdeathsig, found ${describe(cause)}`, {
      hint: 'install util-linux (on Alpine the package is setpriv); the one of BusyBox cannot do it',
      cause,
    })
  }
}

function describe(cause: unknown): string {
  const { code, stderr = '' } = cause as { readonly code?: unknown; readonly stderr?: string }
  if (code === 'ENOENT') return `none in PATH (${process.env.PATH ?? ''})`
  return `one that says: ${stderr.split('\n', 1)[0]}`
}
