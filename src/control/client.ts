import { type IncomingMessage, request } from 'node:http'
import { z } from 'zod'
import { isErrorCode, SpillwayError } from '../errors.js'

/** A list is proved before the answer, or all that is wrong with it found out, and compiled again by the worker. */
const ANSWER_DEADLINE_MS = 120_000
const MAX_ANSWER_BYTES = 16 * 2 ** 20

export interface ControlRequest {
  readonly method: 'GET' | 'PUT' | 'POST' | 'DELETE'
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
export async function askControl(socketPath: string, asked: ControlRequest): Promise<unknown> {
  const answer = await send(socketPath, asked)
  const { statusCode = 0 } = answer
  if (statusCode >= 300) throw await readRefusal(socketPath, answer)
  return parseJson(await textOf(answer))
}

/** The error that an answer other than a yes stands for. */
export async function readRefusal(socketPath: string, answer: IncomingMessage): Promise<SpillwayError> {
  const refused = refusal.safeParse(parseJson(await textOf(answer)))
  if (!refused.success) return unreachable(socketPath, `it answered with ${answer.statusCode}`)
  const { error, problems, hint } = refused.data
  return new SpillwayError(isErrorCode(error) ? error : 'ERR_INTERNAL', problems.join('\n'), { hint })
}

function send(socketPath: string, { method, path, body = '' }: ControlRequest): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const fail = (cause: NodeJS.ErrnoException): void => reject(unreachable(socketPath, cause.code ?? cause.message))
    const headers = body === '' ? {} : { 'content-type': 'application/yaml', 'content-length': Buffer.byteLength(body) }
    const signal = AbortSignal.timeout(ANSWER_DEADLINE_MS)
    request({ socketPath, method, path, headers, signal }, resolve).on('error', fail).end(body)
  })
}

async function textOf(answer: IncomingMessage): Promise<string> {
  let text = ''
  for await (const chunk of answer.setEncoding('utf8')) {
    text += chunk
    if (text.length > MAX_ANSWER_BYTES) break
  }
  return text
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

const reasons: Readonly<Record<string, string>> = {
  ENOENT: 'nobody listens there (ENOENT)',
  ECONNREFUSED: 'nobody listens there (ECONNREFUSED)',
  ABORT_ERR: `no answer in ${ANSWER_DEADLINE_MS / 1000} s`,
}

export function unreachable(path: string, found: string): SpillwayError {
  const why = reasons[found] ?? found
  return new SpillwayError('ERR_UNREACHABLE', `need a running instance at ${path}, found: ${why}`, {
    hint: 'run this in the container and as the user of the instance, or name its socket with --socket; `spillway plan` shows it',
  })
}
