import { request } from 'node:http'
import { z } from 'zod'
import { isErrorCode, SpillwayError } from '../errors.js'

/** A list is compiled and proved before the answer: 20 s at most, and as long again in the worker. */
const ANSWER_DEADLINE_MS = 60_000
const MAX_ANSWER_BYTES = 16 * 2 ** 20

export interface ControlRequest {
  readonly method: 'GET' | 'PUT' | 'POST'
  readonly path: string
  /** YAML, of which JSON is a part. */
  readonly body?: string
}

const refusal = z.object({ error: z.string(), problems: z.array(z.string()), hint: z.string().optional() })

/**
 * Asks a running instance over its control socket.
 *
 * @returns the body of the answer
 * @throws SpillwayError what the instance refused, in its words; `ERR_UNREACHABLE` when nobody answers
 */
export async function askControl(socketPath: string, { method, path, body }: ControlRequest): Promise<unknown> {
  const { status, text } = await exchange(socketPath, { method, path, ...(body === undefined ? {} : { body }) })
  const value = parseJson(text)
  if (status === 200) return value
  const refused = refusal.safeParse(value)
  if (!refused.success) throw unreachable(socketPath, `it answered with ${status}`)
  const { error, problems, hint } = refused.data
  throw new SpillwayError(isErrorCode(error) ? error : 'ERR_INTERNAL', problems.join('\n'), { hint })
}

function exchange(
  socketPath: string,
  { method, path, body = '' }: ControlRequest,
): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const fail = (cause: NodeJS.ErrnoException): void => reject(unreachable(socketPath, cause.code ?? cause.message))
    const headers = body === '' ? {} : { 'content-type': 'application/yaml', 'content-length': Buffer.byteLength(body) }
    const signal = AbortSignal.timeout(ANSWER_DEADLINE_MS)
    const asked = request({ socketPath, method, path, headers, signal }, (response) => {
      let text = ''
      response.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk
        if (text.length > MAX_ANSWER_BYTES) asked.destroy(new Error('endless answer'))
      })
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text }))
      response.on('error', fail)
    })
    asked.on('error', fail)
    asked.end(body)
  })
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function unreachable(path: string, found: string): SpillwayError {
  const why = found === 'ENOENT' || found === 'ECONNREFUSED' ? `nobody listens there (${found})` : found
  return new SpillwayError('ERR_UNREACHABLE', `need a running instance at ${path}, found: ${why}`, {
    hint: 'run this in the container and as the user of the instance, or name its socket with --socket; `spillway plan` shows it',
  })
}
