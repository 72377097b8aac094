import { expect, test } from 'vitest'
import { parseCaptureRequest } from '../../../src/capture/request.js'
import { nativeDropReasons } from '../../../src/metrics/sources.js'

const parse = (query: Record<string, unknown>) => parseCaptureRequest(query, ['vf0', 'vf1'])

test('without a word it is what passes between port and kernel, of all ports, within a limit', () => {
  expect(parse({})).toEqual({
    ports: [],
    points: ['punted', 'injected'],
    reasons: [],
    filter: null,
    snaplen: null,
    sample: 1,
    pps: 10_000,
    count: 0,
    seconds: 0,
  })
})

test('places come one by one or with commas, drops with a reason or with all', () => {
  expect(parse({ where: ['received', 'dropped:rule,dropped:tx_full'] })).toMatchObject({
    points: ['received', 'dropped'],
    reasons: ['rule', 'tx_full'],
  })
  expect(parse({ where: 'dropped' })).toMatchObject({ points: ['dropped'], reasons: Object.keys(nativeDropReasons) })
})

test.each([
  [{ port: 'vf2' }, 'port: expected one of vf0, vf1, found "vf2", did you mean vf'],
  [{ where: 'punted:rule' }, 'where: expected one of received'],
  [{ where: 'dropped:' }, 'reason: expected one of runt'],
  [{ where: '' }, 'where: expected one of'],
  [{ filter: 'tcp\nrule 0 x' }, 'filter: '],
  [{ filter: ' ' }, 'filter: '],
  [{ snaplen: '15' }, 'snaplen: '],
  [{ snaplen: '99999' }, 'snaplen: '],
  [{ sample: '0' }, 'sample: '],
  [{ pps: '-1' }, 'pps: '],
  [{ count: 'many' }, 'count: '],
  [{ seconds: '1e9' }, 'seconds: '],
  [{ what: '1' }, 'what'],
])('%j is refused in words', (query, message) => {
  expect(() => parse(query)).toThrowError(
    expect.objectContaining({ code: 'ERR_USAGE', message: expect.stringContaining(message) }),
  )
})
