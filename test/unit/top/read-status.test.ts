import { createServer, type Server } from 'node:http'
import { afterEach, describe, expect, test } from 'vitest'
import { makeExecStatus } from '../../../src/exec/status.js'
import { readStatus } from '../../../src/top/read-status.js'
import { waitFor } from '../supervisor/fixtures.js'
import { busy } from './fixtures.js'

const servers: Server[] = []
afterEach(() => {
  for (const server of servers.splice(0)) server.close()
})

async function answerWith(body: string): Promise<string> {
  const server = createServer((_request, response) => response.end(body)).listen(0, '127.0.0.1')
  servers.push(server)
  await waitFor(() => server.listening, 'the server')
  const address = server.address()
  return `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`
}

describe('reading from a running instance', () => {
  test('gives its status', async () => {
    expect(await readStatus(await answerWith(JSON.stringify(busy)))).toEqual(busy)
  })

  test.each([['<html>'], ['{"status":"ok"}'], ['null']])('says that %s is not a Spillway', async (body) => {
    await expect(readStatus(await answerWith(body))).rejects.toMatchObject({
      code: 'ERR_UNREACHABLE',
      message: expect.stringContaining('found something else'),
    })
  })

  test('says of spillway exec that it is one, and where its counters are', async () => {
    const view = {
      state: 'running',
      program: '/usr/bin/dpdk-testpmd',
      args: [],
      pid: 7,
      startedAtMs: 0,
      programStartedAtMs: 0,
      restarts: { exited: 0, killed: 0, crashed: 0 },
      lastDeath: null,
    } as const
    const status = makeExecStatus('0.1.0', view, { up: false, reading: null, failures: 0, problem: null })
    const url = await answerWith(JSON.stringify(status))
    await expect(readStatus(url)).rejects.toMatchObject({
      code: 'ERR_UNREACHABLE',
      message: `expected an instance of "spillway run" at ${url}, found "spillway exec" with /usr/bin/dpdk-testpmd (running)`,
      hint: expect.stringContaining(`${url}/metrics`),
    })
  })

  test('says that nobody answers, and what to do', async () => {
    const url = await answerWith('')
    servers.splice(0).map((server) => server.close())
    await expect(readStatus(url)).rejects.toMatchObject({
      code: 'ERR_UNREACHABLE',
      message: expect.stringContaining('found nobody who answers'),
      hint: expect.stringContaining('--url'),
    })
  })
})
