import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { argv, exit } from 'node:process'
import { makePayload, sha256 } from './payload.js'
import type { HttpServerReport } from './reports.js'

/**
 * The server behind the tap: `http-server.js PORT ADDRESS...`, one socket bound to each address.
 * GET / answers the payload and its sha256; PUT / answers the sha256 of what it got.
 */
const [port = '', ...addresses] = argv.slice(2)
const payload = makePayload()
const digest = sha256(payload)

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  if (request.method === 'GET') {
    response.writeHead(200, { 'content-length': payload.length, 'x-sha256': digest }).end(payload)
    return
  }
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  const received = Buffer.concat(chunks)
  response.writeHead(200, { 'x-sha256': sha256(received) }).end(String(received.length))
}

process.once('disconnect', () => exit(0))
for (const address of addresses) {
  const server = createServer((request, response) => {
    // A client that goes away in the middle is its own affair: the next request gets a new connection.
    answer(request, response).catch(() => response.destroy())
  })
  server.listen({ host: address, port: Number(port) })
  await once(server, 'listening')
}
process.send?.({ type: 'listening', addresses } satisfies HttpServerReport)
