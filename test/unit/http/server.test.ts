import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { request } from 'node:http'
import { connect, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import type { ServedInstance } from '../../../src/http/instance.js'
import { renderPage } from '../../../src/http/page.js'
import { startHttpServer } from '../../../src/http/server.js'
import { statusSchema } from '../../../src/http/status.js'
import { configureLogging, writeLogLine } from '../../../src/log.js'
import { fixtureWorker, waitFor } from '../supervisor/fixtures.js'
import { checks, type Served, serveFixture } from './fixtures.js'

await configureLogging({ level: 'silent', format: 'json' })

const cleanUps: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp()
})

async function serve(...args: Parameters<typeof serveFixture>): Promise<Served> {
  const served = await serveFixture(...args)
  cleanUps.push(() => served.end())
  return served
}

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'spillway-http-'))
  cleanUps.push(() => rmSync(folder, { recursive: true }))
  return folder
}

const openMetricsType = 'application/openmetrics-text; version=1.0.0; charset=utf-8'
const textType = 'text/plain; version=0.0.4; charset=utf-8'

describe('what it serves', () => {
  test('gives each of many concurrent scrapes the format it asked for', async () => {
    const { http, reach } = await serve('127.0.0.1:0')
    await reach('running')
    const scrapes = Array.from({ length: 60 }, async (_, index) => {
      const open = index % 2 === 0
      const answer = await fetch(`${http.address}/metrics`, {
        headers: { accept: open ? openMetricsType : 'text/plain' },
      })
      const text = await answer.text()
      return {
        type: answer.headers.get('content-type') === (open ? openMetricsType : textType),
        end: text.endsWith('# EOF\n') === open,
        whole: text.includes('spillway_queue_rx_packets_total{port="vf0",queue="0"} 1000\n'),
      }
    })
    for (const scrape of await Promise.all(scrapes)) expect(scrape).toEqual({ type: true, end: true, whole: true })
  })

  test('is ready while it forwards and says why not when it does not', async () => {
    const { http, supervisor, reach } = await serve('127.0.0.1:0', fixtureWorker('never-ready'))
    await reach('starting')
    const starting = await fetch(`${http.address}/readyz`)
    expect([starting.status, await starting.json()]).toEqual([
      503,
      { ready: false, state: 'starting', reasons: ['not forwarding: starting'] },
    ])
    expect((await fetch(`${http.address}/livez`)).status).toBe(200)
    supervisor.stop()
    await reach('stopped')
    expect((await fetch(`${http.address}/livez`)).status).toBe(200)
    expect(await (await fetch(`${http.address}/metrics`)).text()).toContain('spillway_worker_up 0\n')
  })

  test('shows the whole state as one typed document', async () => {
    const { http, reach } = await serve('127.0.0.1:0')
    await reach('running')
    const answer = await fetch(`${http.address}/api/v1/status`)
    const status = statusSchema.parse(await answer.json())
    expect(status).toMatchObject({
      state: 'running',
      ready: true,
      notReady: [],
      dpdkVersion: 'DPDK 22.11.0',
      forwardingMode: 'macswap',
      rules: { generation: 1, inForce: [{ name: 'default', verdict: 'forward', packets: 7 }] },
      lcores: [{ lcoreId: 1, cpuId: 0, rxqs: ['vf0:0'] }],
    })
    expect(status.ports[0]).toMatchObject({
      name: 'vf0',
      device: { name: 'net_null0', driver: 'net_null' },
      link: { up: true },
      totals: { rxPackets: 1000, forwarded: 990, dropped: { tx_full: 10 } },
    })
  })

  test('has a page, the plan and the rules, and a 404 for the rest', async () => {
    const { http, reach } = await serve('127.0.0.1:0')
    await reach('running')
    const [page, plan, rules, nothing] = await Promise.all(
      ['/', '/api/v1/plan', '/api/v1/rules', '/favicon.ico'].map((path) => fetch(`${http.address}${path}`)),
    )
    expect(page?.headers.get('content-type')).toBe('text/html; charset=utf-8')
    expect(await page?.text()).toContain('<a href="/metrics">')
    expect(await plan?.json()).toMatchObject({ forwarding: { mode: 'macswap' }, ports: [{ name: 'vf0' }] })
    expect(await rules?.json()).toMatchObject({ generation: 1, inForce: [{ name: 'default' }] })
    expect(nothing?.status).toBe(404)
  })

  test('has what was checked, and the last lines of the log without its secrets', async () => {
    const { http } = await serve('127.0.0.1:0')
    writeLogLine('{"level":"info","msg":"a line","note":"Bearer abcdef123456"}')
    expect(await (await fetch(`${http.address}/api/v1/checks`)).json()).toEqual(checks)
    const log = await fetch(`${http.address}/api/v1/log`)
    expect(log.headers.get('content-type')).toMatch(/^application\/x-ndjson/)
    const lines = (await log.text()).trimEnd().split('\n')
    expect(JSON.parse(lines.at(-1) ?? '')).toEqual({ level: 'info', msg: 'a line', note: 'Bearer [redacted]' })
  })
})

describe('a secret among the arguments of a program', () => {
  const args = ['-c', 'x --token hunter2', '--api-key', 'hunter2', '--password=hunter2', '-p', 'hunter2']

  test.each(['/', '/readyz', '/api/v1/status', '/api/v1/plan', '/api/v1/checks', '/api/v1/rules', '/api/v1/log'])(
    'is not shown by %s',
    async (path) => {
      const told = () => ({ args, note: args.slice(0, -2).join(' ') })
      const instance: ServedInstance = {
        readiness: () => ({ ready: false, state: 'failed', reasons: args }),
        ...{ status: told, plan: told, checks: told, rules: told },
        page: () => renderPage('x', [args.slice(0, -2).join(' ')], []),
      }
      const metrics = { contentType: () => 'text/plain', render: async () => '' }
      const http = await startHttpServer({ listen: { kind: 'tcp', host: '127.0.0.1', port: 0 }, instance, metrics })
      cleanUps.push(() => http.close())
      writeLogLine(JSON.stringify({ msg: 'program and arguments', args }))
      const text = await (await fetch(`${http.address}${path}`)).text()
      expect(text).toContain('[redacted]')
      expect(text).not.toContain('hunter2')
    },
  )
})

describe('where it listens', () => {
  test('names the remedy when the port is taken', async () => {
    const other = createServer().listen(0, '127.0.0.1')
    await waitFor(() => other.listening, 'the other server')
    cleanUps.push(() => other.close())
    const address = other.address()
    const port = typeof address === 'object' ? address?.port : 0
    await expect(serve(`127.0.0.1:${port}`)).rejects.toMatchObject({
      code: 'ERR_HTTP_IN_USE',
      exitCode: 69,
      message: `need 127.0.0.1:${port} for HTTP, and another process listens there`,
      hint: expect.stringContaining('http.listen'),
    })
  })

  test('makes a unix socket that only its owner can use', async () => {
    const path = join(temporaryFolder(), 'http.sock')
    await serve(`unix:${path}`)
    expect(statSync(path).mode & 0o777).toBe(0o600)
    expect(await getUnix(path, '/livez')).toBe('{"live":true}')
  })

  test('takes over the socket that a killed one left, and not one that is in use', async () => {
    const path = join(temporaryFolder(), 'http.sock')
    const killed = spawn(process.execPath, ['-e', `require('net').createServer().listen(${JSON.stringify(path)})`])
    cleanUps.push(() => endProcess(killed))
    await waitFor(() => statSync(path, { throwIfNoEntry: false }) !== undefined, 'the socket')
    await expect(serve(`unix:${path}`)).rejects.toMatchObject({ code: 'ERR_HTTP_IN_USE' })
    await endProcess(killed)
    await serve(`unix:${path}`)
    expect(await getUnix(path, '/livez')).toBe('{"live":true}')
  })

  test('refuses a descriptor that is no listening socket', async () => {
    await expect(serve('fd:999')).rejects.toMatchObject({
      code: 'ERR_CONFIG',
      message: expect.stringContaining('fd:999'),
    })
  })
})

describe('clients that mean no good', () => {
  test.each([
    ['a body', 'POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello', '404'],
    ['headers without end', `GET / HTTP/1.1\r\nX: ${'a'.repeat(40_000)}\r\n\r\n`, '431'],
    ['no HTTP at all', '\x16\x03\x01\x00\xff garbage\r\n\r\n', '400'],
    [
      'an Accept header of 10,000 types',
      `GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAccept: ${'a/b,'.repeat(3000)}\r\n\r\n`,
      '200',
    ],
  ])('get an answer that costs nothing: %s', async (_what, bytes, status) => {
    const { http } = await serve('127.0.0.1:0')
    expect(await sendRaw(http.address, bytes)).toMatch(new RegExp(`^HTTP/1.1 ${status} `))
    expect((await fetch(`${http.address}/livez`)).status).toBe(200)
  })

  test('that hold connections open do not delay the end', async () => {
    const { http, end } = await serve('127.0.0.1:0')
    const { hostname, port } = new URL(http.address)
    const idle: Socket = connect(Number(port), hostname)
    idle.on('error', () => {})
    await new Promise((resolve) => idle.once('connect', resolve))
    idle.write('GET / HT')
    await end()
    await waitFor(() => idle.destroyed, 'the connection is closed')
  })
})

function getUnix(socketPath: string, path: string): Promise<string> {
  return new Promise((resolve, reject) => {
    request({ socketPath, path }, (answer) => {
      let text = ''
      answer.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk
      })
      answer.on('end', () => resolve(text))
    })
      .on('error', reject)
      .end()
  })
}

function sendRaw(address: string, bytes: string): Promise<string> {
  const { hostname, port } = new URL(address)
  return new Promise((resolve, reject) => {
    let text = ''
    const socket = connect(Number(port), hostname, () => socket.write(bytes, 'latin1'))
    socket.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk
      if (text.includes('\r\n\r\n')) socket.destroy()
    })
    socket.on('close', () => resolve(text))
    socket.on('error', (error: NodeJS.ErrnoException) => (error.code === 'ECONNRESET' ? resolve(text) : reject(error)))
  })
}

function endProcess(child: ChildProcess): Promise<unknown> {
  if (child.signalCode !== null) return Promise.resolve()
  const exited = new Promise((resolve) => child.once('exit', resolve))
  child.kill('SIGKILL')
  return exited
}
