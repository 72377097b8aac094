import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'

const module = fileURLToPath(new URL('../../dist/log.js', import.meta.url))

/** What a program with this text writes to stderr, a pipe. */
function logOf(program: string): string {
  const text = `import { configureLogging, createLogger, writeLogLine } from ${JSON.stringify(module)}\n${program}`
  const env = { PATH: process.env.PATH ?? '' }
  const { status, stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', text], {
    encoding: 'utf8',
    env,
  })
  expect([status, stdout]).toEqual([0, ''])
  return stderr
}

describe('the log', () => {
  it('is JSON lines with component, level by name and an ISO time', () => {
    const line = JSON.parse(logOf(`createLogger({ component: 'x', pid: 5 }).warn({ portId: 1 }, 'link down')`))
    expect(line).toEqual({
      component: 'x',
      pid: 5,
      level: 'warn',
      portId: 1,
      msg: 'link down',
      time: expect.any(String),
    })
    expect(new Date(line.time).toISOString()).toBe(line.time)
  })

  it('keeps code and cause of errors', () => {
    const text = `const cause = new Error('inner')
      createLogger({ component: 'x' }).error({ err: Object.assign(new Error('outer', { cause }), { code: 'ERR_X' }) }, 'failed')`
    expect(JSON.parse(logOf(text)).err).toMatchObject({ code: 'ERR_X', message: 'outer', cause: { message: 'inner' } })
  })

  it('follows the level also in loggers that were there before', () => {
    const text = `const log = createLogger({ component: 'x' })
      log.debug('too early')
      await configureLogging({ level: 'debug', format: 'auto' })
      log.debug('now')
      await configureLogging({ level: 'error', format: 'auto' })
      log.warn('too late')
      createLogger({ component: 'y' }).warn('too late')`
    expect(
      logOf(text)
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line).msg),
    ).toEqual(['now'])
  })

  it('is complete when the program ends at once', () => {
    const text = `const log = createLogger({ component: 'x' })
      for (let i = 0; i < 2000; i++) log.info({ i }, 'line')
      process.exit(0)`
    expect(logOf(text).trim().split('\n')).toHaveLength(2000)
  })

  it('is for people on request, lines of the worker included', () => {
    const text = `await configureLogging({ level: 'info', format: 'pretty' })
      createLogger({ component: 'supervisor' }).info({ port: 'vf0' }, 'worker started')
      writeLogLine('{"level":"warn","component":"dpdk","msg":"no hugepages"}')
      writeLogLine('not JSON')`
    const lines = logOf(text)
    expect(lines).toMatch(/INFO.*supervisor: worker started\n {4}port: "vf0"\n/)
    expect(lines).toMatch(/WARN.*dpdk: no hugepages\n/)
    expect(lines).toMatch(/[^\n]\nnot JSON\n$/)
  })

  it('goes on when its reader went away', () => {
    const script = `node --input-type=module -e "$PROGRAM" 2>&1 >&3 | true`
    const program = `import { createLogger } from ${JSON.stringify(module)}
      const log = createLogger({ component: 'x' })
      for (let i = 0; i < 5000; i++) log.info({ i }, 'line')
      await new Promise((resolve) => setTimeout(resolve, 50))
      log.info('line')
      console.log('still here')`
    const { output } = spawnSync('sh', ['-c', script], {
      encoding: 'utf8',
      env: { PATH: process.env.PATH ?? '', PROGRAM: program },
      stdio: ['ignore', 'ignore', 'inherit', 'pipe'],
    })
    expect(output[3]).toBe('still here\n')
  })
})
