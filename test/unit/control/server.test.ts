import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import type { CaptureActions } from '../../../src/control/capture-routes.js'
import { askControl } from '../../../src/control/client.js'
import { type ControlActions, startControlServer } from '../../../src/control/server.js'
import { SpillwayError } from '../../../src/errors.js'
import { configureLogging } from '../../../src/log.js'

await configureLogging({ level: 'silent', format: 'json' })

const cleanUps: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp()
})

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'spillway-control-'))
  cleanUps.push(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

const noCaptures: CaptureActions = { start: () => Promise.reject(new Error('none here')), stop: () => {} }

/** Says back what it got. */
const echo: ControlActions = {
  current: () => ({ is: 'current' }),
  put: async (body) => ({ got: body }),
  reload: async () => ({ is: 'reloaded' }),
}

async function serve(actions: Partial<ControlActions> = {}): Promise<string> {
  const folder = join(temporaryFolder(), 'spillway')
  const path = join(folder, 'control.sock')
  const server = await startControlServer({ path, folder }, { ...echo, ...actions }, noCaptures)
  cleanUps.push(() => server.close())
  return path
}

/** Sends bytes as they are, and gives what came back until the other end closed. */
function sendRaw(path: string, bytes: string | Buffer): Promise<string> {
  return new Promise((resolve) => {
    let text = ''
    const socket = connect(path, () => socket.end(bytes))
    socket.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk
    })
    socket.on('error', () => {})
    socket.on('close', () => resolve(text))
  })
}

function put(headers: string, body: string | Buffer): string {
  return `PUT /api/v1/rules HTTP/1.1\r\nhost: x\r\nconnection: close\r\n${headers}content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`
}

describe('the control socket', () => {
  test('is for its user alone, in a folder that is so too, and both go with it', async () => {
    const folder = join(temporaryFolder(), 'spillway')
    const path = join(folder, 'control.sock')
    const server = await startControlServer({ path, folder }, echo, noCaptures)
    expect(statSync(path).mode & 0o777).toBe(0o600)
    expect(statSync(folder).mode & 0o777).toBe(0o700)
    await server.close()
    expect(existsSync(folder)).toBe(false)
  })

  test('takes the place of one that nobody listens to any more, and of no other file', async () => {
    const folder = temporaryFolder()
    const path = join(folder, 'control.sock')
    const dead = await startControlServer({ path, folder: null }, echo, noCaptures)
    const copy = `${path}.copy`
    // A socket whose listener is gone, as SIGKILL leaves it: the name stays, the listener does not.
    const { linkSync, renameSync } = await import('node:fs')
    linkSync(path, copy)
    await dead.close()
    renameSync(copy, path)
    const server = await startControlServer({ path, folder: null }, echo, noCaptures)
    expect(await askControl(path, { method: 'GET', path: '/api/v1/rules' })).toEqual({ is: 'current' })
    await expect(startControlServer({ path, folder: null }, echo, noCaptures)).rejects.toMatchObject({
      code: 'ERR_CONTROL',
      message: `need ${path} for the control socket, found: another process listens there`,
    })
    await server.close()
    writeFileSync(path, 'precious')
    await expect(startControlServer({ path, folder: null }, echo, noCaptures)).rejects.toMatchObject({
      code: 'ERR_CONTROL',
    })
    expect(statSync(path).size).toBe(8)
  })

  test.skipIf(process.getuid?.() !== 0)('is not opened in a folder that somebody else made', async () => {
    const folder = join(temporaryFolder(), 'spillway')
    mkdirSync(folder)
    const { chownSync } = await import('node:fs')
    chownSync(folder, 1001, 1001)
    chmodSync(folder, 0o777)
    await expect(
      startControlServer({ path: join(folder, 'control.sock'), folder }, echo, noCaptures),
    ).rejects.toMatchObject({
      code: 'ERR_CONTROL',
      message: expect.stringContaining('belongs to user 1001'),
    })
  })

  test('takes rules as YAML and as JSON', async () => {
    const path = await serve()
    const request = { method: 'PUT', path: '/api/v1/rules' } as const
    expect(await askControl(path, { ...request, body: '- {name: a}' })).toEqual({ got: [{ name: 'a' }] })
    const answer = await sendRaw(path, put('content-type: application/json\r\n', '{"rules":[]}'))
    expect(answer).toContain('200 OK')
    expect(answer).toContain('{"got":{"rules":[]}}')
  })

  test.each([
    ['ERR_RULE', 422],
    ['ERR_CONFIG', 422],
    ['ERR_BUSY', 409],
    ['ERR_WORKER', 503],
    ['ERR_INTERNAL', 500],
  ] as const)('answers a refusal %s with %i, every problem and the hint', async (code, status) => {
    const put = (): Promise<object> =>
      Promise.reject(new SpillwayError(code, 'one thing\nand another', { hint: 'mend it' }))
    const path = await serve({ put })
    await expect(askControl(path, { method: 'PUT', path: '/api/v1/rules', body: '[]' })).rejects.toMatchObject({
      code,
      message: 'one thing\nand another',
      hint: 'mend it',
    })
    expect(await sendRaw(path, 'PUT /api/v1/rules HTTP/1.0\r\n\r\n')).toContain(`HTTP/1.1 ${status} `)
  })
})

describe('the control socket, asked badly', () => {
  const huge = 'x'.repeat(2_000_000)
  test.each([
    ['no JSON', put('content-type: application/json\r\n', '{'), 400],
    ['poisoned JSON', put('content-type: application/json\r\n', '{"__proto__": {"a": 1}}'), 400],
    ['no YAML', put('content-type: application/yaml\r\n', '{a: [}'), 400],
    ['a bomb of aliases', put('content-type: application/yaml\r\n', aliasBomb()), 400],
    ['a body of some other type', put('content-type: text/plain\r\n', 'rules'), 415],
    ['a body without a type', put('', 'rules'), 415],
    ['too large a body', put('content-type: application/json\r\n', huge), 413],
    ['a path that is not there', 'GET /metrics HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n', 404],
    ['a method that is not there', 'DELETE /api/v1/rules HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n', 404],
    ['no HTTP', '\u0000\u0001\u0002 hello\r\n\r\n', 400],
    ['endless headers', `GET / HTTP/1.1\r\nhost: x\r\na: ${huge}\r\n\r\n`, 431],
  ])('refuses %s and serves on', async (_, bytes, status) => {
    let asked = 0
    const path = await serve({
      put: async () => {
        asked += 1
        return {}
      },
    })
    expect(await sendRaw(path, bytes)).toMatch(new RegExp(`^HTTP/1.1 ${status} `))
    expect(asked).toBe(0)
    expect(await askControl(path, { method: 'GET', path: '/api/v1/rules' })).toEqual({ is: 'current' })
  })
})

function aliasBomb(): string {
  const layers = Array.from({ length: 12 }, (_, i) => `a${i + 1}: &a${i + 1} [${Array(9).fill(`*a${i}`).join(', ')}]`)
  return `a0: &a0 [x]\n${layers.join('\n')}\n`
}

test('the client says that nobody listens, and where', async () => {
  const path = join(temporaryFolder(), 'control.sock')
  await expect(askControl(path, { method: 'GET', path: '/' })).rejects.toMatchObject({
    code: 'ERR_UNREACHABLE',
    message: `need a running instance at ${path}, found: nobody listens there (ENOENT)`,
  })
})
