import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { Readable } from 'node:stream'
import { SpillwayError } from '../../errors.js'
import { endWithin } from '../../lab/commands.js'

const endPatienceMs = 2_000

/** One end of a UDP conversation: a resident program that sends when it is told to. */
export class Endpoint {
  readonly #child: ChildProcess
  readonly #lines: AsyncIterator<string>

  private constructor(argv: readonly string[]) {
    const [file = '', ...args] = argv
    this.#child = spawn(file, args, { stdio: ['pipe', 'pipe', 'inherit'] })
    this.#child.once('error', () => {})
    this.#child.stdin?.on('error', () => {})
    this.#lines = createInterface({ input: this.#child.stdout ?? Readable.from([]) })[Symbol.asyncIterator]()
  }

  static async open(argv: readonly string[]): Promise<Endpoint> {
    const endpoint = new Endpoint(argv)
    await endpoint.#hear()
    return endpoint
  }

  /** Of a process in the network namespace of this end. */
  get pid(): number {
    return this.#child.pid ?? 0
  }

  /** Sends for `seconds`, `pps` a second or as fast as it can. @returns the datagrams that its kernel took. */
  async send(pps: number | 'flood', seconds: number): Promise<number> {
    this.#child.stdin?.write(`${pps === 'flood' ? 0 : pps} ${seconds}\n`)
    return Number(await this.#hear())
  }

  async close(): Promise<void> {
    this.#child.stdin?.end()
    await endWithin(this.#child, endPatienceMs)
  }

  async #hear(): Promise<string> {
    const { value, done } = await this.#lines.next()
    if (done) throw new SpillwayError('ERR_INTERNAL', `the UDP endpoint "${this.#child.spawnargs.join(' ')}" has ended`)
    return value
  }
}
