import { describe, expect, test } from 'vitest'
import type { Finding } from '../../../src/preflight/types.js'
import { neighbourCheck } from '../../../src/running/neighbour.js'
import { afterEvent, initialState } from '../../../src/running/port-state.js'
import { fixturePlan } from '../supervisor/fixtures.js'

const [port] = fixturePlan.ports
if (port === undefined) throw new Error('the fixtures have a port')
const start = (server: boolean) =>
  initialState({ ...port, exception: { ...port.exception, backend: 'vhost-user', socket: '/run/vu', server } })
const lack = (code: string) =>
  ({ kind: 'neighbour', port: 'vf0', why: { code, message: 'rte_dev_probe: what it said' } }) as const

function found(code: string, server: boolean): Finding | undefined {
  return neighbourCheck.run(afterEvent(start(server), lack(code)))[0]
}

describe('a neighbour', () => {
  test('that has come, or of which nothing was told, is no finding', () => {
    expect(neighbourCheck.run(start(false))).toEqual([])
    const gone = afterEvent(start(false), lack('ENOTCONN'))
    expect(neighbourCheck.run(gone)).toHaveLength(1)
    expect(neighbourCheck.run(afterEvent(gone, { kind: 'neighbour', port: 'vf0', why: null }))).toEqual([])
  })

  test.each([
    ['ENOENT', false, 'no such socket', 'exception.server: true'],
    ['ECONNREFUSED', false, 'at which nobody listens', 'dpdkvhostuserclient'],
    ['EACCES', false, 'may not connect to', 'fsGroup'],
    ['ENOTCONN', false, 'the neighbour has gone', 'when it is back'],
    ['ETIMEDOUT', false, 'does not answer', 'start it again'],
    ['ECONNRESET', false, 'closes the connection at once', 'exception.socket'],
    ['EPROTO', false, 'does not speak vhost-user', 'exception.socket'],
    ['ENOENT', true, 'no folder for the socket', 'mount the folder'],
    ['EACCES', true, 'may not write', 'fsGroup'],
    ['EROFS', true, 'read-only', 'readOnly: false'],
    ['EADDRINUSE', true, 'a listener in its place', 'another exception.socket'],
    ['ENOTCONN', true, 'the neighbour has gone', 'next connection'],
  ])('that is not there with %s (server: %s) has a cause and a remedy', (code, server, words, remedy) => {
    const finding = found(code, server)
    expect(finding).toMatchObject({ code: 'neighbour-missing', level: 'warning', subject: 'port vf0' })
    expect(finding?.needed).toContain(`that ${server ? 'connects to' : 'listens at'} the vhost-user socket /run/vu`)
    expect(finding?.found).toContain(words)
    expect(finding?.found).toContain(`(${code})`)
    expect(finding?.cause).not.toBeNull()
    expect(finding?.remedy).toContain(remedy)
  })

  test('that the driver refuses is told as it told it', () => {
    expect(found('ENODEV', false)?.found).toBe('rte_dev_probe: what it said (ENODEV)')
  })
})
