import { get, type RequestOptions } from 'node:http'
import type { ListenAddress } from '../config/listen.js'

/** An instance answers within milliseconds; one on a pod that is throttled gets this long. */
const ANSWER_DEADLINE_MS = 1_000
/** No page of ours is larger; a stranger's may be endless. */
const MAX_ANSWER_BYTES = 16 * 2 ** 20

/**
 * Asks whoever listens where an instance with this configuration would.
 *
 * @returns the body of a 200, or null when nobody answers so
 */
export async function askInstance(address: ListenAddress, path: string): Promise<string | null> {
  for (const target of targetsOf(address)) {
    const answer = await ask({ ...target, path })
    if (answer !== null) return answer
  }
  return null
}

/** A wildcard address is reached on the loopback; a descriptor or port 0 says nothing about where. */
function targetsOf(address: ListenAddress): RequestOptions[] {
  if (address.kind === 'unix') return [{ socketPath: address.path }]
  if (address.kind === 'fd' || address.port === 0) return []
  const { host, port } = address
  if (host === '::')
    return [
      { host: '127.0.0.1', port },
      { host: '::1', port },
    ]
  return [{ host: host === '0.0.0.0' ? '127.0.0.1' : host, port }]
}

function ask(options: RequestOptions): Promise<string | null> {
  return new Promise((resolve) => {
    const request = get({ ...options, signal: AbortSignal.timeout(ANSWER_DEADLINE_MS) }, (response) => {
      let text = ''
      response.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk
        if (text.length > MAX_ANSWER_BYTES) request.destroy()
      })
      response.on('end', () => resolve(response.statusCode === 200 ? text : null))
      response.on('error', () => resolve(null))
    })
    request.on('error', () => resolve(null))
  })
}
