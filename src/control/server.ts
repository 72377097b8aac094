import { chmodSync, lstatSync, mkdirSync, rmdirSync } from 'node:fs'
import fastify, { type FastifyInstance } from 'fastify'
import { parseYaml } from '../config/yaml-text.js'
import { type ErrorCode, SpillwayError } from '../errors.js'
import { listenUnix } from '../http/unix-socket.js'
import { createLogger } from '../log.js'
import type { ControlSocket } from '../plan/control-socket.js'
import { addCaptureRoutes, type CaptureActions } from './capture-routes.js'

const log = createLogger({ component: 'control' })

/** 256 rules of 4096 characters, and their names. */
const MAX_BODY_BYTES = 1_310_720
/** To send the request in. The answer may take as long as a proof does, so a quiet connection is not cut. */
const REQUEST_TIMEOUT_MS = 10_000
/** One operator, and what a mistake in a script makes of that. */
const MAX_CONNECTIONS = 16

export interface ControlActions {
  /** The rules in force. */
  current(): object
  /** Other rules; resolves with what is in force then. */
  put(body: unknown): Promise<object>
  /** The configuration read again. */
  reload(): Promise<object>
}

export interface ControlServer {
  close(): Promise<void>
}

/**
 * Serves what changes the instance, on a unix socket that its user alone can open.
 *
 * @throws SpillwayError `ERR_CONTROL`
 */
export async function startControlServer(
  socket: ControlSocket,
  actions: ControlActions,
  captures: CaptureActions,
): Promise<ControlServer> {
  const app = fastify({
    logger: false,
    forceCloseConnections: true,
    requestTimeout: REQUEST_TIMEOUT_MS,
    bodyLimit: MAX_BODY_BYTES,
    exposeHeadRoutes: false,
  })
  app.server.maxConnections = MAX_CONNECTIONS
  app.server.headersTimeout = REQUEST_TIMEOUT_MS
  addAnswers(app)
  addRuleRoutes(app, actions)
  addCaptureRoutes(app, captures)
  try {
    if (socket.folder !== null) makePrivateFolder(socket.folder)
    await listenUnix(app, socket.path)
  } catch (cause) {
    throw controlError(socket.path, cause)
  }
  log.info({ path: socket.path }, 'control socket open')
  return {
    close: async () => {
      await app.close()
      if (socket.folder !== null) removeEmptyFolder(socket.folder)
    },
  }
}

function addRuleRoutes(app: FastifyInstance, actions: ControlActions): void {
  app.removeContentTypeParser('text/plain')
  app.addContentTypeParser(
    ['application/yaml', 'text/yaml'],
    { parseAs: 'string' },
    async (_: unknown, text: string) => parseYaml(text).value,
  )
  app.get('/api/v1/rules', (_request, reply) => reply.send(actions.current()))
  app.put('/api/v1/rules', async (request) => actions.put(request.body))
  app.post('/api/v1/reload', async () => actions.reload())
}

const statusOf: Partial<Record<ErrorCode, number>> = {
  ERR_USAGE: 400,
  ERR_CONFIG: 422,
  ERR_RULE: 422,
  ERR_BUSY: 409,
  ERR_WORKER: 503,
}

function addAnswers(app: FastifyInstance): void {
  app.setErrorHandler((error: Error & { statusCode?: number }, _request, reply) => {
    if (error instanceof SpillwayError) {
      const { code, hint, message } = error
      return reply.code(statusOf[code] ?? 500).send({ error: code, problems: message.split('\n'), hint })
    }
    const status = error instanceof SyntaxError ? 400 : (error.statusCode ?? 500)
    if (status >= 500) log.error({ err: error }, 'request failed')
    const problem = status >= 500 ? 'internal error, see the log' : error.message
    return reply.code(status).send({ error: 'ERR_USAGE', problems: [problem] })
  })
  app.setNotFoundHandler((_request, reply) =>
    reply.code(404).send({
      error: 'ERR_USAGE',
      problems: [
        'not found: /api/v1/rules (GET, PUT), /api/v1/reload (POST) and /api/v1/capture (GET, DELETE) are here',
      ],
    }),
  )
}

/** Ours alone: in a folder like /tmp somebody else may have made one of this name before. */
function makePrivateFolder(path: string): void {
  mkdirSync(path, { recursive: true, mode: 0o700 })
  const { uid } = lstatSync(path)
  if (!lstatSync(path).isDirectory() || uid !== process.geteuid?.()) {
    throw new Error(`${path} belongs to user ${uid}, or is no folder`)
  }
  chmodSync(path, 0o700)
}

function removeEmptyFolder(path: string): void {
  try {
    rmdirSync(path)
  } catch {
    // The socket of another instance is in it.
  }
}

function controlError(path: string, cause: unknown): SpillwayError {
  const { code = '', message } = cause as NodeJS.ErrnoException
  const found = code === 'EADDRINUSE' ? 'another process listens there' : code || message
  return new SpillwayError('ERR_CONTROL', `need ${path} for the control socket, found: ${found}`, {
    hint: 'set control.path to a path in a folder that can be written, or to off',
    cause,
  })
}
