import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { askInstance } from '../../../src/http/ask-instance.js'

const cleanUps: (() => unknown)[] = []
afterEach(() => {
  for (const cleanUp of cleanUps.splice(0)) cleanUp()
})

function serve(where: string | { host: string; port: number }): Promise<Server> {
  const server = createServer((request, response) => {
    response.statusCode = request.url === '/here' ? 200 : 404
    response.end(`answer to ${request.url}`)
  })
  cleanUps.push(() => server.close())
  return new Promise((resolve) => server.listen(where, () => resolve(server)))
}

const portOf = (server: Server): number => (server.address() as AddressInfo).port

test('asks on the loopback who listens on every address', async () => {
  const port = portOf(await serve({ host: '0.0.0.0', port: 0 }))
  expect(await askInstance({ kind: 'tcp', host: '::', port }, '/here')).toBe('answer to /here')
  expect(await askInstance({ kind: 'tcp', host: '0.0.0.0', port }, '/here')).toBe('answer to /here')
})

test('asks through a unix socket', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'spillway-ask-'))
  cleanUps.push(() => rmSync(folder, { recursive: true }))
  const path = join(folder, 'http.sock')
  await serve(path)
  expect(await askInstance({ kind: 'unix', path }, '/here')).toBe('answer to /here')
})

test('takes nobody, a refusal and an address that says nothing for no answer', async () => {
  const server = await serve({ host: '127.0.0.1', port: 0 })
  const port = portOf(server)
  expect(await askInstance({ kind: 'tcp', host: '127.0.0.1', port }, '/elsewhere')).toBeNull()
  server.close()
  server.closeAllConnections()
  expect(await askInstance({ kind: 'tcp', host: '127.0.0.1', port }, '/here')).toBeNull()
  expect(await askInstance({ kind: 'fd', fd: 3 }, '/here')).toBeNull()
  expect(await askInstance({ kind: 'tcp', host: '127.0.0.1', port: 0 }, '/here')).toBeNull()
})
