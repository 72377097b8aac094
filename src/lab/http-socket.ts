import { once } from 'node:events'
import { createServer, type Server } from 'node:net'
import { SpillwayError } from '../errors.js'

/** A listening socket, opened outside for the instance inside. */
export interface HttpSocket {
  readonly fd: number
  /** What a browser on this machine opens. */
  readonly url: string
  /** Closes this process's descriptor. Whoever inherited it goes on listening. */
  close(): void
}

/**
 * Opens the instance's HTTP socket on the host's side: sockets belong to the network namespace they were made in, so
 * that the instance, which has no way to the host, still answers here. Hand it over and close it in the same turn of
 * the event loop: as long as it is open here, libuv accepts connections here as well.
 *
 * @throws SpillwayError `ERR_HTTP_IN_USE`
 */
export async function openHttpSocket({ host, port }: { host: string; port: number }): Promise<HttpSocket> {
  // What comes in the instant before the hand-over is sent away and may ask again.
  const server = createServer((connection) => connection.destroy())
  try {
    server.listen({ host, port })
    await once(server, 'listening')
  } catch (cause) {
    const { code = 'unknown error' } = cause as NodeJS.ErrnoException
    throw new SpillwayError('ERR_HTTP_IN_USE', `the lab needs to listen on ${formatHost(host)}:${port}: ${code}`, {
      hint: 'stop the other program, or take any free port with "--http 127.0.0.1:0"',
      cause,
    })
  }
  return { fd: descriptorOf(server), url: urlOf(server), close: () => void server.close() }
}

/** Node has no public way to a server's descriptor; this one is what its own child_process uses. */
function descriptorOf(server: Server): number {
  const handle: unknown = Reflect.get(server, '_handle')
  const fd: unknown = typeof handle === 'object' && handle !== null ? Reflect.get(handle, 'fd') : undefined
  if (typeof fd !== 'number' || fd < 0) throw new SpillwayError('ERR_INTERNAL', 'a listening socket has no descriptor')
  return fd
}

function urlOf(server: Server): string {
  const address = server.address()
  if (address === null || typeof address === 'string') throw new SpillwayError('ERR_INTERNAL', 'no TCP address')
  const { port } = address
  const anyAddress: Record<string, string> = { '0.0.0.0': '127.0.0.1', '::': '::1' }
  return `http://${formatHost(anyAddress[address.address] ?? address.address)}:${port}`
}

function formatHost(host: string): string {
  return host.includes(':') ? `[${host}]` : host
}
