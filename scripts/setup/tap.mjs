import { spawn } from 'node:child_process'

/**
 * Checks that are not vitest's report in the Test Anything Protocol, one `ok`/`not ok` line each, as the C test
 * programs do; .ci/run counts these lines.
 *
 * @typedef {{ name: string, argv: readonly string[], env?: NodeJS.ProcessEnv }} Check
 */

/**
 * Runs checks, a few at a time, and prints the output of those that fail.
 *
 * @param {readonly Check[]} checks
 * @param {{ cwd: string, atOnce: number }} options
 * @returns {Promise<boolean>} true if all passed
 */
export async function runChecks(checks, { cwd, atOnce }) {
  const queue = [...checks]
  let allPassed = true
  const drain = async () => {
    for (let check = queue.shift(); check; check = queue.shift()) {
      const { passed, output } = await capture(check, cwd)
      process.stdout.write(`${passed ? 'ok' : 'not ok'} - ${check.name}\n${passed ? '' : indent(output)}`)
      allPassed &&= passed
    }
  }
  await Promise.all(Array.from({ length: atOnce }, drain))
  return allPassed
}

/**
 * @param {Check} check
 * @param {string} cwd
 * @returns {Promise<{ passed: boolean, output: string }>}
 */
function capture({ argv, env }, cwd) {
  const [file = '', ...args] = argv
  const child = spawn(file, args, { cwd, env: env ?? process.env, stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  const append = (/** @type {Buffer} */ data) => {
    output += data.toString()
  }
  child.stdout.on('data', append)
  child.stderr.on('data', append)
  return new Promise((resolve) => {
    child.on('error', (error) => resolve({ passed: false, output: `${error.message}\n` }))
    child.on('close', (code) => resolve({ passed: code === 0, output }))
  })
}

/** Indented, so that an `ok` at the start of a line in some tool's output is not counted as a check. */
function indent(/** @type {string} */ text) {
  return text.replace(/^(?=.)/gm, '    ')
}
