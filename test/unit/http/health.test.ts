import { describe, expect, test } from 'vitest'
import { reasonsNotReady } from '../../../src/http/health.js'
import type { Finding } from '../../../src/preflight/types.js'
import type { Sample } from '../../../src/stats/series.js'
import { whileDown, whileRunning } from '../metrics/fixtures.js'

const gauge = (name: string, labels: Record<string, string>, value: bigint): Sample => ({
  name,
  labels,
  kind: 'gauge',
  value,
})

describe('ready', () => {
  test('means forwarding, with the exception path attached and lcores that move', () => {
    expect(reasonsNotReady(whileRunning.view, [gauge('tap_up', { port: 'vf0', tap: 'ext0' }, 1n)], [])).toEqual([])
  })

  test('is also a port whose link is down: a state, nothing to mend here', () => {
    expect(reasonsNotReady(whileRunning.view, [gauge('port_link_up', { port: 'vf0' }, 0n)], [])).toEqual([])
  })

  test('is not a lost port, a lost tap or an lcore that stands still, each with its name', () => {
    const view = { ...whileRunning.view, removedPorts: ['vf0'] }
    expect(reasonsNotReady(view, [gauge('tap_up', { port: 'vf0', tap: 'ext0' }, 0n)], ['1'])).toEqual([
      'port vf0 was removed',
      'lcore 1 makes no progress',
      'exception path of port vf0 is not attached: tap ext0 is down',
    ])
  })

  test('is not a tap that is up but that nobody holds; one without carrier since the link is down is held', () => {
    const tap = (upValue: bigint, carrierValue: bigint): Sample[] => [
      gauge('tap_up', { port: 'vf0', tap: 'ext0' }, upValue),
      gauge('tap_carrier', { port: 'vf0', tap: 'ext0' }, carrierValue),
    ]
    const notAttached = 'exception path of port vf0 is not attached: tap ext0'
    expect(reasonsNotReady(whileRunning.view, tap(1n, 1n), [])).toEqual([])
    expect(reasonsNotReady(whileRunning.view, tap(1n, 0n), [])).toEqual([`${notAttached} has no carrier`])
    expect(reasonsNotReady(whileRunning.view, tap(0n, 0n), [])).toEqual([`${notAttached} is down`])
    const linkDown = gauge('port_link_up', { port: 'vf0' }, 0n)
    expect(reasonsNotReady(whileRunning.view, [...tap(1n, 0n), linkDown], [])).toEqual([])
  })

  test('is not a neighbour that is waited for, with the reason as soon as there is one', () => {
    const alone = [gauge('neighbour_up', { port: 'vf0' }, 0n)]
    const notAttached = 'exception path of port vf0 is not attached:'
    expect(reasonsNotReady(whileRunning.view, alone, [])).toEqual([`${notAttached} its neighbour is waited for`])
    const missing: Finding = {
      code: 'neighbour-missing',
      level: 'warning',
      subject: 'port vf0',
      needed: 'a neighbour',
      found: 'nobody',
      cause: null,
      remedy: null,
    }
    const view = { ...whileRunning.view, findings: [missing] }
    expect(reasonsNotReady(view, alone, [])).toEqual([`${notAttached} need a neighbour, found nobody`])
    expect(reasonsNotReady(whileRunning.view, [gauge('neighbour_up', { port: 'vf0' }, 1n)], [])).toEqual([])
  })

  test('is nothing without a worker', () => {
    expect(reasonsNotReady(whileDown.view, [], [])).toEqual(['not forwarding: waiting'])
  })
})
