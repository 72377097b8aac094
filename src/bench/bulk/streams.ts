import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { SpillwayError } from '../../errors.js'
import { endWithin, runCommand } from '../../lab/commands.js'
import type { End } from './site.js'

/** From dist/bench/bulk. */
const program = fileURLToPath(new URL('../../../scripts/bench/tcp-stream.py', import.meta.url))
const port = 5001
const endPatienceMs = 2_000

/** Takes bulk TCP for as long as the benchmark lasts, and says of each transfer how fast it arrived. */
export class Receiver {
  readonly #end: End
  readonly #child: ChildProcess
  readonly #lines: AsyncIterator<string>

  private constructor(end: End) {
    this.#end = end
    const [file = '', ...args] = end.enter(['python3', program, 'receive', end.address, String(port)])
    this.#child = spawn(file, args, { stdio: ['ignore', 'pipe', 'inherit'] })
    this.#child.once('error', () => {})
    this.#lines = createInterface({ input: this.#child.stdout ?? Readable.from([]) })[Symbol.asyncIterator]()
  }

  static async open(end: End): Promise<Receiver> {
    const receiver = new Receiver(end)
    await receiver.#hear()
    return receiver
  }

  /** @returns the goodput of one transfer of `seconds` from the other end, in Mbit/s. */
  async goodputFrom(sender: End, seconds: number): Promise<number> {
    await runCommand(sender.enter(['python3', program, 'send', this.#end.address, String(port), String(seconds)]))
    const [bytes = Number.NaN, took = Number.NaN] = (await this.#hear()).split(' ').map(Number)
    return (bytes * 8) / 1e6 / took
  }

  async close(): Promise<void> {
    this.#child.kill()
    await endWithin(this.#child, endPatienceMs)
  }

  async #hear(): Promise<string> {
    const { value, done } = await this.#lines.next()
    if (done) throw new SpillwayError('ERR_INTERNAL', 'the receiver of bulk TCP has ended')
    return value
  }
}
