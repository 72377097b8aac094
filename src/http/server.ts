import fastify, { type FastifyInstance } from 'fastify'
import type { ListenAddress } from '../config/listen.js'
import { createLogger, recentLogLines } from '../log.js'
import { redactLine, redactValue } from '../redact.js'
import type { ServedInstance, ServedMetrics } from './instance.js'
import { formatAddress, listen } from './listen.js'
import { negotiateFormat } from './negotiate.js'

const log = createLogger({ component: 'http' })

/** A request has no body and a short URL; whoever takes longer to send it is not a client. */
const REQUEST_TIMEOUT_MS = 5_000
/** Prometheus scrapes every 15 to 60 s and reconnects for free. */
const KEEP_ALIVE_MS = 15_000
const MAX_CONNECTIONS = 128
const MAX_URL_BYTES = 256

export interface HttpServer {
  /** Where it listens, with the port the kernel chose. */
  readonly address: string
  close(): Promise<void>
}

export interface HttpOptions {
  readonly listen: ListenAddress
  readonly instance: ServedInstance
  readonly metrics: ServedMetrics
}

/** Serves metrics, health and status. Nothing here changes anything, so nothing here needs a right. */
export async function startHttpServer({ listen: address, instance, metrics }: HttpOptions): Promise<HttpServer> {
  const app = fastify({
    // Health checks and scrapes in the log would bury what happened.
    logger: false,
    forceCloseConnections: true,
    requestTimeout: REQUEST_TIMEOUT_MS,
    connectionTimeout: KEEP_ALIVE_MS,
    keepAliveTimeout: KEEP_ALIVE_MS,
    bodyLimit: 1,
    routerOptions: { maxParamLength: MAX_URL_BYTES },
    exposeHeadRoutes: true,
  })
  app.server.maxConnections = MAX_CONNECTIONS
  app.server.headersTimeout = REQUEST_TIMEOUT_MS
  app.removeAllContentTypeParsers()
  addAnswers(app)
  addMetricsRoute(app, metrics)
  addInstanceRoutes(app, instance)
  await listen(app, address)
  const bound = boundAddress(app, address)
  log.info({ address: bound }, 'listening')
  return { address: bound, close: () => app.close() }
}

function addAnswers(app: FastifyInstance): void {
  app.addHook('onSend', async (_request, reply) => {
    reply.headers({ 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' })
  })
  app.setErrorHandler((error: { statusCode?: number; message: string }, _request, reply) => {
    const status = error.statusCode ?? 500
    if (status >= 500) log.error({ err: error }, 'request failed')
    return reply.code(status).send({ error: status >= 500 ? 'internal error, see the log' : error.message })
  })
  app.setNotFoundHandler((_request, reply) => reply.code(404).send({ error: 'not found, see /' }))
}

function addMetricsRoute(app: FastifyInstance, metrics: ServedMetrics): void {
  app.get('/metrics', async (request, reply) => {
    const format = negotiateFormat(request.headers.accept)
    const text = await metrics.render(format)
    return reply.header('vary', 'accept').type(metrics.contentType(format)).send(text)
  })
}

/** The log of the pod goes to whoever may read it; this goes to whoever can reach the port, so without secrets. */
function addInstanceRoutes(app: FastifyInstance, instance: ServedInstance): void {
  app.get('/livez', (_request, reply) => reply.send({ live: true }))
  app.get('/readyz', (_request, reply) => {
    const readiness = instance.readiness()
    return reply.code(readiness.ready ? 200 : 503).send(redactValue(readiness))
  })
  app.get('/api/v1/status', (_request, reply) => reply.send(redactValue(instance.status())))
  app.get('/api/v1/plan', (_request, reply) => reply.send(redactValue(instance.plan())))
  app.get('/api/v1/checks', (_request, reply) => reply.send(redactValue(instance.checks())))
  if (instance.rules) app.get('/api/v1/rules', (_request, reply) => reply.send(redactValue(instance.rules?.())))
  app.get('/api/v1/log', (_request, reply) => reply.type('application/x-ndjson').send(redactedLog()))
  app.get('/', (_request, reply) => reply.type('text/html; charset=utf-8').send(instance.page()))
}

function redactedLog(): string {
  return recentLogLines()
    .map((line) => `${redactLine(line)}\n`)
    .join('')
}

function boundAddress(app: FastifyInstance, address: ListenAddress): string {
  const bound = app.server.address()
  if (address.kind === 'unix' || bound === null || typeof bound === 'string') return formatAddress(address)
  return `http://${formatAddress({ kind: 'tcp', host: bound.address, port: bound.port })}`
}
