import { z } from 'zod'
import { SpillwayError } from '../errors.js'
import { type Status, statusSchema } from '../http/status.js'
import { supervisorStates } from '../supervisor/state.js'

/** An instance answers within milliseconds; this is for a machine that is out of breath. */
const REQUEST_DEADLINE_MS = 3_000

/**
 * Asks a running instance.
 *
 * @param url  its address, e.g. `http://127.0.0.1:9464`
 * @throws SpillwayError `ERR_UNREACHABLE` when nothing that speaks Spillway answers there
 */
export async function readStatus(url: string): Promise<Status> {
  const answer = await request(new URL('/api/v1/status', url))
  const status = statusSchema.safeParse(answer)
  if (status.success) return status.data
  const { data: exec } = execSchema.safeParse(answer)
  if (exec) throw notForTop(url, exec)
  throw new SpillwayError('ERR_UNREACHABLE', `expected a running Spillway at ${url}, found something else`, {
    hint: 'name it by --url http://HOST:PORT, as http.listen says',
    cause: status.error,
  })
}

/** By what the status of `exec` is known. */
const execSchema = z.object({
  state: z.enum(supervisorStates),
  program: z.object({ command: z.string() }),
  telemetry: z.object({ up: z.boolean() }),
})

/** Rates are counted in our own worker; of another program there is only what it says of itself. */
function notForTop(url: string, { program, state }: z.infer<typeof execSchema>): SpillwayError {
  return new SpillwayError(
    'ERR_UNREACHABLE',
    `expected an instance of "spillway run" at ${url}, found "spillway exec" with ${program.command} (${state})`,
    { hint: `see its counters at ${url}/ and ${url}/metrics, or name another instance by --url` },
  )
}

async function request(url: URL): Promise<unknown> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(REQUEST_DEADLINE_MS) })
    return await response.json()
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw new SpillwayError(
      'ERR_UNREACHABLE',
      `expected a running Spillway at ${url.origin}, found nobody who answers`,
      {
        hint: 'start one with "spillway run" or "spillway lab", or name another by --url',
        cause: error,
      },
    )
  }
}
