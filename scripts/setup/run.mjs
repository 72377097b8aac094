import { spawnSync } from 'node:child_process'

/** What set-up says about itself goes to stderr, so that `npm start -- --json | jq` style use stays possible. */
export function say(/** @type {string} */ line) {
  process.stderr.write(`setup: ${line}\n`)
}

/** Ends a script with a message for a person and an exit code that means something (69: the host cannot). */
export class Stop extends Error {
  /**
   * @param {string} message
   * @param {number} exitCode
   */
  constructor(message, exitCode) {
    super(message)
    this.exitCode = exitCode
  }
}

/** Runs a script's main function; a {@link Stop} becomes its message and exit code, anything else keeps its stack. */
export async function main(/** @type {() => void | Promise<void>} */ body) {
  try {
    await body()
  } catch (error) {
    if (!(error instanceof Stop)) throw error
    process.stderr.write(`${error.message}\n`)
    process.exitCode = error.exitCode
  }
}

/** A command line as one would type it. */
export function commandLine(/** @type {readonly string[]} */ argv) {
  return argv.map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`)).join(' ')
}

/**
 * Runs a command with its output on our stderr and ends the script when it fails.
 *
 * @param {readonly string[]} argv
 * @param {{ cwd?: string, env?: NodeJS.ProcessEnv, failure: string, exitCode?: number, quiet?: boolean }} options
 *   `failure` says what could not be done; `exitCode` is 1 unless given; `quiet` leaves out stdout
 */
export function run(argv, { cwd, env, failure, exitCode = 1, quiet = false }) {
  const [file, ...args] = argv
  const result = spawnSync(file ?? '', args, {
    cwd,
    env: env ?? process.env,
    stdio: ['ignore', quiet ? 'ignore' : 2, 2],
  })
  if (result.status === 0) return
  const how = result.error?.message ?? (result.signal ? `killed by ${result.signal}` : `exit ${result.status}`)
  throw new Stop(`setup: ${failure}: ${commandLine(argv)}: ${how}`, exitCode)
}
