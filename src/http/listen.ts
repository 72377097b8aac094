import type { FastifyInstance } from 'fastify'
import type { ListenAddress } from '../config/listen.js'
import { SpillwayError } from '../errors.js'
import { listenUnix } from './unix-socket.js'

/**
 * Makes the server listen.
 *
 * @throws SpillwayError `ERR_HTTP_IN_USE` when somebody else listens there, `ERR_CONFIG` when nobody could
 */
export async function listen(app: FastifyInstance, address: ListenAddress): Promise<void> {
  try {
    if (address.kind === 'unix') await listenUnix(app, address.path)
    else if (address.kind === 'fd') await listenInherited(app, address.fd)
    else await app.listen({ host: address.host, port: address.port })
  } catch (error) {
    throw listenError(address, error)
  }
}

/** Node listens on a descriptor as on anything else, but fastify does not know the option. */
async function listenInherited(app: FastifyInstance, fd: number): Promise<void> {
  await app.ready()
  await new Promise<void>((resolve, reject) => {
    app.server.once('error', reject)
    app.server.listen({ fd }, () => {
      app.server.off('error', reject)
      resolve()
    })
  })
}

function listenError(address: ListenAddress, cause: unknown): SpillwayError {
  const { code = '', message } = cause as NodeJS.ErrnoException
  const where = formatAddress(address)
  if (code === 'EADDRINUSE')
    return new SpillwayError('ERR_HTTP_IN_USE', `need ${where} for HTTP, and another process listens there`, {
      hint: 'set http.listen (SPILLWAY_HTTP_LISTEN) to a free address, or end the other process',
      cause,
    })
  return new SpillwayError('ERR_CONFIG', `cannot listen on ${where} (http.listen): ${code || message}`, {
    hint: hints[code] ?? 'http.listen takes host:port, [v6 address]:port, fd:N or unix:/path',
    cause,
  })
}

const hints: Readonly<Record<string, string>> = {
  EACCES: 'ports below 1024 and foreign folders need rights: take another port or path',
  EADDRNOTAVAIL: 'the address must be one of this network namespace; [::] takes all of them',
  EINVAL: 'the descriptor must be a listening socket that was inherited',
  EBADF: 'the descriptor must be a listening socket that was inherited',
  ENOTSOCK: 'the descriptor must be a listening socket that was inherited',
  ENOENT: 'the folder of the socket must exist',
}

export function formatAddress(address: ListenAddress): string {
  switch (address.kind) {
    case 'unix':
      return `unix:${address.path}`
    case 'fd':
      return `fd:${address.fd}`
    case 'tcp':
      return `${address.host.includes(':') ? `[${address.host}]` : address.host}:${address.port}`
  }
}
