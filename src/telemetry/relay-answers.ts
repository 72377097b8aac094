import type { Readable } from 'node:stream'

export type RelayAnswer =
  | { readonly kind: 'text'; readonly text: string; readonly bytes: number; readonly cut: boolean }
  /** `reason` is a word such as ENOENT or ETIMEDOUT. */
  | { readonly kind: 'failed'; readonly reason: string; readonly message: string }

/** The relay cuts at 256 KiB. */
const LONGEST_ANSWER = 256 * 1024
const LONGEST_HEAD = 32

/** Reads `STATUS LENGTH\n`, LENGTH bytes and `\n`, again and again. */
export class AnswerReader {
  readonly #chunks: AsyncIterator<Buffer>
  #rest: Buffer = Buffer.alloc(0)

  constructor(stream: Readable) {
    this.#chunks = stream[Symbol.asyncIterator]()
  }

  /** Null: the stream ended, or is none of the relay's. */
  async next(): Promise<RelayAnswer | null> {
    const head = await this.#upTo('\n', LONGEST_HEAD)
    const [, status, length] = /^(ok|cut|failed) (\d{1,7})$/.exec(head ?? '') ?? []
    if (status === undefined || Number(length) > LONGEST_ANSWER) return null
    const bytes = await this.#take(Number(length) + 1)
    return bytes === null ? null : makeAnswer(status, bytes.subarray(0, -1))
  }

  async #upTo(end: string, most: number): Promise<string | null> {
    for (;;) {
      const at = this.#rest.indexOf(end)
      if (at >= 0) return (await this.#take(at + 1))?.toString('latin1', 0, at) ?? null
      if (this.#rest.length > most || !(await this.#more())) return null
    }
  }

  async #take(length: number): Promise<Buffer | null> {
    while (this.#rest.length < length) if (!(await this.#more())) return null
    const taken = this.#rest.subarray(0, length)
    this.#rest = this.#rest.subarray(length)
    return taken
  }

  async #more(): Promise<boolean> {
    const chunk = await this.#chunks.next().catch(() => ({ done: true as const, value: undefined }))
    if (chunk.done === true) return false
    this.#rest = Buffer.concat([this.#rest, chunk.value])
    return true
  }
}

function makeAnswer(status: string, bytes: Buffer): RelayAnswer {
  const text = bytes.toString('utf8')
  if (status !== 'failed') return { kind: 'text', text, bytes: bytes.length, cut: status === 'cut' }
  const [reason = '', ...words] = text.split(' ')
  return { kind: 'failed', reason, message: words.join(' ') }
}
