import { type ChildProcess, spawn } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import { SpillwayError } from '../../errors.js'
import type { ForwardingMode } from '../../plan/types.js'
import { burst, mbufCache } from './topologies.js'

/** testpmd answers within a second; a machine under load, or an emulated one, gets this long. */
const patienceMs = 60_000

/** The sizes that testpmd is given like Spillway. */
export interface ForwardingSpec {
  readonly mode: ForwardingMode
  readonly descriptors: number
  readonly mbufs: number
  /** Makes it read the TSC twice a burst: only where cycles are what is asked for. */
  readonly recordCycles: boolean
}

/** testpmd's own arguments, behind EAL's. */
export function forwardingArgs({ mode, descriptors, mbufs, recordCycles }: ForwardingSpec): string[] {
  return [
    '-i',
    '--no-mlockall',
    '--nb-cores=1',
    `--forward-mode=${mode}`,
    `--burst=${burst}`,
    `--rxd=${descriptors}`,
    `--txd=${descriptors}`,
    `--mbcache=${mbufCache}`,
    `--total-num-mbufs=${mbufs}`,
    ...(recordCycles ? ['--record-core-cycles'] : []),
  ]
}

export interface TestpmdProgram {
  /** Enters a namespace, say; goes in front of the program. */
  readonly through?: readonly string[]
  readonly args: readonly string[]
  readonly runtimeFolder: string
  /** What it has printed when its ports are started; what they tell meanwhile may come between the two lines of the usual one. */
  readonly started?: RegExp
}

/**
 * What it spent between `start` and `stop` in bursts that were not empty, receiving included, and what its ports received:
 * both of all its streams together.
 */
export interface CycleRecord {
  readonly cycles: number
  readonly packets: number
}

/** A running dpdk-testpmd, spoken to at its prompt. */
export class Testpmd {
  readonly #child: ChildProcess
  #said = ''
  #logged = ''
  #ended = false
  #heard: () => void = () => {}

  private constructor({ through = [], args, runtimeFolder }: TestpmdProgram) {
    // Without stdbuf what it prints into a pipe waits for 4 KiB of more.
    const [file = '', ...words] = [...through, 'stdbuf', '-oL', 'dpdk-testpmd', ...args]
    const env = { ...process.env, RUNTIME_DIRECTORY: runtimeFolder, LC_ALL: 'C' }
    this.#child = spawn(file, words, { stdio: 'pipe', env })
    this.#child.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
      this.#said += chunk
      this.#heard()
    })
    // Apart: EAL's log may come between two lines that belong together.
    this.#child.stderr?.setEncoding('utf8').on('data', (chunk: string) => {
      this.#logged = (this.#logged + chunk).slice(-500)
    })
    this.#child.stdin?.on('error', () => {})
    this.#child.once('error', () => this.#end())
    this.#child.once('close', () => this.#end())
  }

  /** Resolves when its ports are started. */
  static async open(program: TestpmdProgram): Promise<Testpmd> {
    const testpmd = new Testpmd(program)
    try {
      await testpmd.#expect(program.started ?? /Checking link statuses\.\.\.\nDone/)
      return testpmd
    } catch (error) {
      await testpmd.quit()
      throw error
    }
  }

  /** Types a line and gives what is printed up to and including `until`. */
  async ask(line: string, until: RegExp): Promise<string> {
    this.#said = ''
    this.#child.stdin?.write(`${line}\n`)
    return await this.#expect(until)
  }

  get pid(): number {
    return this.#child.pid ?? 0
  }

  async startForwarding(): Promise<void> {
    await this.ask('start', /packet forwarding - ports=/)
  }

  /** NaN for both unless cycles are recorded and packets came. */
  async stopForwarding(): Promise<CycleRecord> {
    return parseCycles(await this.ask('stop', /\nDone\./))
  }

  async quit(): Promise<void> {
    this.#child.stdin?.end('quit\n')
    const deadline = Date.now() + patienceMs
    while (!this.#ended) {
      if (Date.now() > deadline) this.#child.kill('SIGKILL')
      await this.#hear()
    }
  }

  /** As it would die: it says nothing to whoever it is connected to. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL')
    while (!this.#ended) await this.#hear()
  }

  async #expect(until: RegExp): Promise<string> {
    const deadline = Date.now() + patienceMs
    while (!until.test(this.#said)) {
      if (this.#ended || Date.now() > deadline)
        throw new SpillwayError(
          'ERR_MISSING_TOOL',
          `dpdk-testpmd ${this.#ended ? 'ended' : 'hangs'}: ${this.#said.slice(-500)}${this.#logged}`,
          { hint: 'npm run setup installs it (Debian: dpdk-dev)' },
        )
      await this.#hear()
    }
    return this.#said
  }

  /** Until it has said something more, or shortly. */
  async #hear(): Promise<void> {
    await Promise.race([sleep(100), new Promise<void>((resolve) => (this.#heard = resolve))])
  }

  #end(): void {
    this.#ended = true
    this.#heard()
  }
}

/** The cycles in what testpmd prints at `stop`: `(total cycles=2474347478 / total io packets=30946560)`. */
export function parseCycles(stopped: string): CycleRecord {
  const found = /\(total cycles=(\d+) \/ total \w+ packets=(\d+)\)/.exec(stopped)
  return { cycles: Number(found?.[1] ?? Number.NaN), packets: Number(found?.[2] ?? Number.NaN) }
}
