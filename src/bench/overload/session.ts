import { z } from 'zod'
import type { SpillwayError } from '../../errors.js'
import type { Namespaces } from '../../lab/namespaces.js'
import { type Program, startProgram } from '../../lab/processes.js'

const sessionReport = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('listening') }),
  /** Keepalives sent and answered so far, and how long the last answer took. */
  z.strictObject({ type: z.literal('answered'), sent: z.int(), answered: z.int(), milliseconds: z.number() }),
])
export type SessionReport = z.infer<typeof sessionReport>

export interface SessionCount {
  readonly answered: number
  /** Of the slowest answer since the count before. */
  readonly slowestMs: number
}

export interface Session {
  count(): SessionCount
  stop(): Promise<void>
}

/**
 * A TCP session like BGP's from the peer's kernel to the pod's: keepalives on one connection, for as long as it lives.
 *
 * @param programs  folder of the built `session-program.js`
 */
export async function startSession(
  { pod, peer }: Namespaces,
  programs: URL,
  { address, port }: { readonly address: string; readonly port: number },
  onFailure: (error: SpillwayError) => void,
): Promise<Session> {
  const spec = (role: string) => {
    const args = [role, address, String(port)]
    return { folder: programs, name: 'session-program.js', args, report: sessionReport }
  }
  let server: Program | undefined
  await new Promise<void>((resolve) => {
    server = startProgram(pod, spec('listen'), { onFailure, onReport: () => resolve() })
  })
  let answered = 0
  let slowestMs = 0
  const client = startProgram(peer, spec('connect'), {
    onFailure,
    onReport: (report) => {
      if (report.type !== 'answered') return
      answered = report.answered
      slowestMs = Math.max(slowestMs, report.milliseconds)
    },
  })
  return {
    count: () => {
      const count = { answered, slowestMs }
      slowestMs = 0
      return count
    },
    stop: async () => {
      await client.stop()
      await server?.stop()
    },
  }
}
