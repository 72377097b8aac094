import { type ClientRequest, type IncomingMessage, request } from 'node:http'
import { makePayload, sha256 } from './payload.js'
import type { Direction, HttpClientReport } from './reports.js'

const payload = makePayload()
const digest = sha256(payload)

/** A transfer takes milliseconds; one that a dying worker interrupts goes on by TCP's own retransmissions. */
const patienceMs = 20_000

interface Answer {
  readonly body: Buffer
  readonly digest: string
}

async function exchange(url: string, method: 'GET' | 'PUT', body?: Buffer): Promise<Answer> {
  const signal = AbortSignal.timeout(patienceMs)
  const asked = request(url, { method, agent: false, signal, headers: body ? { 'content-length': body.length } : {} })
  const response = await answerOf(asked, body)
  const chunks: Buffer[] = []
  for await (const chunk of response) chunks.push(chunk as Buffer)
  return { body: Buffer.concat(chunks), digest: String(response.headers['x-sha256']) }
}

function answerOf(asked: ClientRequest, body?: Buffer): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    asked.once('response', resolve)
    // Stays on: an abort while the body arrives is reported here as well as to the reader.
    asked.on('error', reject)
    asked.end(body)
  })
}

/** Moves the payload over a connection of its own and verifies every byte. */
export async function transfer(url: string, direction: Direction): Promise<HttpClientReport> {
  const host = new URL(url).hostname.replace(/^\[|\]$/g, '')
  const start = performance.now()
  try {
    const { body, digest: said } = await (direction === 'download'
      ? exchange(url, 'GET')
      : exchange(url, 'PUT', payload))
    const arrived = direction === 'download' ? sha256(body) : said
    if (arrived !== digest || said !== digest) throw new Error(`sha256 is ${arrived}, the sender's is ${digest}`)
    return {
      type: 'transferred',
      direction,
      host,
      bytes: payload.length,
      milliseconds: performance.now() - start,
    }
  } catch (error) {
    return { type: 'failed', direction, host, message: error instanceof Error ? error.message : String(error) }
  }
}
