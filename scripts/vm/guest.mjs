import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { Stop } from '../setup/run.mjs'
import { prepareInitramfs } from './initramfs.mjs'
import { prepareKernel } from './kernel.mjs'
import { checkQemu, qemu, qemuArguments } from './qemu.mjs'

/** @typedef {import('./qemu.mjs').MachineSpec} MachineSpec */
/** @typedef {import('./guest/messages.mjs').HostMessage} HostMessage */
/** @typedef {import('./guest/messages.mjs').GuestMessage} GuestMessage */
/** @typedef {import('node:net').Socket} Socket */

/**
 * @typedef {object} Ending
 * @property {number | null} exitCode
 * @property {NodeJS.Signals | null} signal
 * @property {string} stdout
 * @property {string} stderr
 */

/**
 * @typedef {object} CommandOptions
 * @property {Record<string, string>} [env]  on top of the agent's
 * @property {string} [cwd]
 * @property {string} [input]  all of its stdin; without, stdin is open and empty
 * @property {(name: 'stdout' | 'stderr', text: string) => void} [onOutput]
 */

/** Emulated, a guest is up in 5 to 12 s; beside another one in twice that. */
const bootDeadlineMs = 120_000
/** A command that a test waits for. */
const commandDeadlineMs = 60_000
const powerOffDeadlineMs = 15_000
const serialLinesShown = 15

/** The guest did not do what it was asked to, or is gone: a panic, a hang, QEMU's own end. It tells the console's last lines. */
export class GuestLost extends Stop {
  constructor(/** @type {string} */ message) {
    super(message, 70)
  }
}

/** A program in the guest. */
export class GuestProcess {
  /** @type {Promise<Ending>} */
  ended
  stdout = ''
  stderr = ''
  pid = 0
  #guest
  #id

  /**
   * @param {Guest} guest
   * @param {number} id
   * @param {Promise<Ending>} ended
   */
  constructor(guest, id, ended) {
    this.#guest = guest
    this.#id = id
    this.ended = ended
  }

  kill(/** @type {NodeJS.Signals} */ signal = 'SIGTERM') {
    this.#guest.send({ type: 'kill', id: this.#id, signal })
  }

  write(/** @type {string} */ text) {
    this.#guest.send({ type: 'input', id: this.#id, text })
  }

  closeInput() {
    this.#guest.send({ type: 'input', id: this.#id, text: null })
  }
}

/** A running virtual machine. */
export class Guest {
  #qemu
  #folder
  /** @type {Socket | undefined} */
  #agent
  /** @type {Map<number, (message: GuestMessage) => void>} */
  #listeners = new Map()
  #lastId = 0
  /** Rejects when the machine ends by itself: panic, power-off, QEMU's own death. */
  #lost

  /**
   * @param {import('node:child_process').ChildProcess} child
   * @param {string} folder
   */
  constructor(child, folder) {
    this.#qemu = child
    this.#folder = folder
    this.#lost = new Promise((_, reject) => {
      child.once('error', (error) => reject(this.#failure(error.message)))
      child.once('exit', (code, signal) => reject(this.#failure(`QEMU ended (${signal ?? `exit ${code}`})`)))
    })
    this.#lost.catch(() => {})
  }

  /**
   * Boots a machine and waits for its agent.
   *
   * @param {MachineSpec} [spec]
   * @returns {Promise<Guest>}
   * @throws Stop when this machine cannot run one; Error with the last lines of the serial log when it does not come up.
   */
  static async boot(spec = {}) {
    checkQemu()
    const kernel = prepareKernel(undefined, spec.kernel)
    const initramfs = prepareInitramfs(kernel)
    const folder = mkdtempSync(join(tmpdir(), 'spillway-vm-'))
    const server = createServer().listen(join(folder, 'agent.sock'))
    await once(server, 'listening')
    const output = openSync(join(folder, 'qemu.log'), 'w')
    // Whoever kills the test runner kills the machine.
    const argv = ['--pdeathsig', 'KILL', '--', qemu, ...qemuArguments(kernel, initramfs, folder, spec)]
    const terminal = spec.terminal === 'stdio' ? 'inherit' : 'ignore'
    const child = spawn('setpriv', argv, { stdio: [terminal, terminal === 'inherit' ? 'inherit' : output, output] })
    closeSync(output)
    const guest = new Guest(child, folder)
    try {
      await guest.#within(bootDeadlineMs, 'the agent of the guest', guest.#connect(server))
      return guest
    } catch (error) {
      await guest.destroy()
      throw error
    } finally {
      server.close()
    }
  }

  async #connect(/** @type {import('node:net').Server} */ server) {
    const [socket] = await once(server, 'connection')
    this.#agent = socket
    socket.on('error', () => {})
    const ready = new Promise((resolve) => this.#listeners.set(0, resolve))
    createInterface({ input: socket }).on('line', (line) => {
      /** @type {GuestMessage} */
      const message = JSON.parse(line)
      this.#listeners.get('id' in message ? message.id : 0)?.(message)
    })
    await ready
  }

  send(/** @type {HostMessage} */ message) {
    this.#agent?.write(`${JSON.stringify(message)}\n`)
  }

  /**
   * Starts a program. Resolves when it runs.
   *
   * @param {readonly string[]} argv
   * @param {CommandOptions} [options]
   * @returns {Promise<GuestProcess>}
   * @throws Error when there is no such program
   */
  async start(argv, { env = {}, cwd = '/', input, onOutput = () => {} } = {}) {
    const id = ++this.#lastId
    /** @type {(value: Ending) => void} */
    let resolve = () => {}
    const program = new GuestProcess(this, id, this.#orLost(new Promise((settle) => (resolve = settle))))
    program.ended.catch(() => {})
    await this.#within(
      commandDeadlineMs,
      `${argv[0]} to start`,
      new Promise((started, failed) => {
        this.#listeners.set(id, (message) => {
          if (message.type === 'spawned') {
            program.pid = message.pid
            started(undefined)
          } else if (message.type === 'output') {
            program[message.name] += message.text
            onOutput(message.name, message.text)
          } else if (message.type === 'ended') {
            this.#listeners.delete(id)
            const { exitCode, signal, error } = message
            if (error !== undefined) failed(new Error(`${argv[0]} in the guest: ${error}`))
            resolve({ exitCode, signal, stdout: program.stdout, stderr: program.stderr })
          }
        })
        this.send({ type: 'spawn', id, argv, env, cwd })
      }),
    )
    if (input !== undefined) {
      program.write(input)
      program.closeInput()
    }
    return program
  }

  /**
   * Runs a command to its end, whatever its exit code.
   *
   * @param {readonly string[]} argv
   * @param {CommandOptions & { deadlineMs?: number }} [options]
   * @returns {Promise<Ending>}
   */
  async run(argv, options = {}) {
    const program = await this.start(argv, { input: '', ...options })
    const { deadlineMs = commandDeadlineMs } = options
    try {
      return await this.#within(deadlineMs, argv.join(' '), program.ended)
    } catch (error) {
      program.kill('SIGKILL')
      throw error
    }
  }

  /**
   * Runs a command that must succeed.
   *
   * @param {readonly string[]} argv
   * @param {CommandOptions} [options]
   * @returns {Promise<string>} its stdout
   */
  async must(argv, options = {}) {
    const { exitCode, signal, stdout, stderr } = await this.run(argv, options)
    if (exitCode === 0) return stdout
    throw new Error(`${argv.join(' ')} in the guest: ${signal ?? `exit ${exitCode}`}: ${stderr || stdout}`)
  }

  /** A shell script that must succeed. @returns {Promise<string>} its stdout */
  script(/** @type {string} */ text) {
    return this.must(['sh', '-euc', text])
  }

  async write(/** @type {string} */ path, /** @type {string} */ text) {
    await this.must(['sh', '-c', 'mkdir -p "$(dirname "$1")" && cat > "$1"', 'write', path], { input: text })
  }

  /**
   * GET from an HTTP server that the guest's first network namespace can reach.
   *
   * @param {string} url
   * @param {Record<string, string>} [headers]
   * @returns {Promise<{ status: number, body: string }>} status 0: the body says why there was no answer
   */
  async fetch(url, headers = {}) {
    const id = ++this.#lastId
    const answer = new Promise((resolve) => {
      this.#listeners.set(id, (message) => {
        this.#listeners.delete(id)
        if (message.type === 'response') resolve({ status: message.status, body: message.body })
      })
    })
    this.send({ type: 'fetch', id, url, headers })
    return await this.#within(commandDeadlineMs, url, answer)
  }

  /** Powers the guest off. */
  async shutdown() {
    const over = deadline(powerOffDeadlineMs)
    this.#agent?.end()
    await Promise.race([this.#lost.catch(() => {}), over])
    over.cancel()
    await this.destroy()
  }

  /** Ends QEMU, however the guest feels. */
  async destroy() {
    if (this.#qemu.exitCode === null && this.#qemu.signalCode === null) {
      const exited = once(this.#qemu, 'exit')
      this.#qemu.kill('SIGKILL')
      await exited
    }
    this.#agent?.destroy()
    rmSync(this.#folder, { recursive: true, force: true })
  }

  /**
   * What the kernel and process 1 of the guest wrote to the console: the last lines, and those before that name a panic.
   *
   * @returns {string[]}
   */
  serialLog(last = serialLinesShown) {
    const lines = [...readLines(join(this.#folder, 'qemu.log')), ...readLines(join(this.#folder, 'serial.log'))]
    return lines.filter((line, at) => at >= lines.length - last || /Kernel panic - |BUG: |Oops: /.test(line))
  }

  /**
   * @template T
   * @param {Promise<T>} promise
   * @returns {Promise<T>}
   */
  #orLost(promise) {
    return Promise.race([promise, this.#lost])
  }

  /**
   * @template T
   * @param {number} ms
   * @param {string} what
   * @param {Promise<T>} promise
   * @returns {Promise<T>}
   */
  async #within(ms, what, promise) {
    const over = deadline(ms)
    const late = over.then(() => {
      throw this.#failure(`${what}: not in ${ms / 1000} s`)
    })
    try {
      return await Promise.race([this.#orLost(promise), late])
    } finally {
      late.catch(() => {})
      over.cancel()
    }
  }

  #failure(/** @type {string} */ what) {
    const log = this.serialLog()
    return new GuestLost(
      `${what}; the last lines of the guest's console:\n${log.length > 0 ? log.join('\n') : '(none)'}`,
    )
  }
}

/** @returns {Promise<void> & { cancel: () => void }} */
function deadline(/** @type {number} */ ms) {
  /** @type {NodeJS.Timeout | undefined} */
  let timer
  const promise = new Promise((resolve) => {
    timer = setTimeout(resolve, ms)
  })
  return Object.assign(promise, { cancel: () => clearTimeout(timer) })
}

/** @returns {string[]} */
function readLines(/** @type {string} */ file) {
  try {
    return readFileSync(file, 'utf8')
      .split('\n')
      .filter((line) => line.trim() !== '')
  } catch {
    return []
  }
}
