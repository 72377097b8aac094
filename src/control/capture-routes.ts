import type { FastifyInstance } from 'fastify'
import type { RunningCapture } from '../supervisor/capture-keeper.js'

export interface CaptureActions {
  /** Begins one; at most one runs. `query` is what came, unchecked. */
  start(query: unknown): Promise<RunningCapture>
  /** Ends it: what it has seen so far still comes. */
  stop(): void
}

/** What came of a capture comes after its packets, as JSON in this trailer. */
export const summaryTrailer = 'spillway-capture'

export function addCaptureRoutes(app: FastifyInstance, captures: CaptureActions): void {
  app.get('/api/v1/capture', async (request, reply) => {
    const { packets, summary } = await captures.start(request.query)
    reply.trailer(summaryTrailer, async () => JSON.stringify(await summary))
    return reply.type('application/x-pcapng').send(packets)
  })
  app.delete('/api/v1/capture', (_request, reply) => {
    captures.stop()
    return reply.code(204).send()
  })
}
