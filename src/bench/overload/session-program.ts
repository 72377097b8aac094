import { once } from 'node:events'
import { createConnection, createServer, type Socket } from 'node:net'
import { argv, exit } from 'node:process'
import type { SessionReport } from './session.js'

/**
 * A routing session as far as TCP sees it: `session-program.js listen|connect ADDRESS PORT`. The one that connects sends a
 * keepalive of BGP's size every 50 ms, the other sends each back. One connection for life: when it breaks, so does this.
 */
const [role = '', address = '', port = ''] = argv.slice(2)
const keepaliveBytes = 19
const intervalMs = 50

const tell = (report: SessionReport): void => void process.send?.(report)
process.once('disconnect', () => exit(0))

function listen(): void {
  const server = createServer({ noDelay: true }, (socket) => socket.pipe(socket))
  server.listen({ host: address, port: Number(port) }, () => tell({ type: 'listening' }))
}

async function connect(): Promise<void> {
  const socket = createConnection({ host: address, port: Number(port), noDelay: true })
  await once(socket, 'connect')
  const sentAt: number[] = []
  setInterval(() => {
    sentAt.push(performance.now())
    socket.write(Buffer.alloc(keepaliveBytes, sentAt.length % 256))
  }, intervalMs)
  await countAnswers(socket, sentAt)
  throw new Error('the session was closed')
}

async function countAnswers(socket: Socket, sentAt: readonly number[]): Promise<void> {
  let bytes = 0
  for await (const chunk of socket) {
    bytes += (chunk as Buffer).length
    const answered = Math.floor(bytes / keepaliveBytes)
    const last = sentAt[answered - 1]
    if (last !== undefined)
      tell({ type: 'answered', sent: sentAt.length, answered, milliseconds: performance.now() - last })
  }
}

if (role === 'listen') listen()
else await connect()
