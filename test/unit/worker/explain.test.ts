import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import type { Plan } from '../../../src/plan/types.js'
import { reportError } from '../../../src/worker/explain.js'

const folder = new URL('../../../native/dataplane/', import.meta.url)
const plan = { memory: { pageSize: 'none', mib: 64 }, ealArgs: ['--no-huge'] } as unknown as Plan

/** The second string argument of every dp_fail(): the call that failed. */
function failingCalls(): string[] {
  const sources = readdirSync(folder)
    .filter((name) => name.endsWith('.c'))
    .map((name) => readFileSync(new URL(name, folder), 'utf8'))
  const calls = sources.flatMap((text) =>
    [...text.matchAll(/dp_fail\(\s*\w+,\s*[^,]+,\s*"(\w+)"/g)].map(([, call]) => call ?? ''),
  )
  return [...new Set(calls)]
}

/** Ours, not the operator's: what these refuse cannot come from a configuration that was validated. */
const internal = /^(dp_|rte_lcore_is_enabled|rte_eal_remote_launch|rte_bpf_load|pcap_open_dead)/

function nativeError(call: string, code: string): Error {
  return Object.assign(new Error(`${call} failed`), { errno: 1, code, call, subject: 'ext0', detail: 'why' })
}

describe('an error of native code', () => {
  test.each(failingCalls().filter((call) => !internal.test(call)))(
    'of %s has a name, what was found and a remedy',
    (call) => {
      const report = reportError(nativeError(call, 'EPERM'), plan)
      expect(report.code).not.toBe('ERR_WORKER')
      expect(report.message).toMatch(/why|ext0/)
      expect(report.hint).toBeTruthy()
    },
  )

  test('of memory without hugepages is told to raise memory.mib, which bounds the mempools', () => {
    const { hint } = reportError(nativeError('rte_pktmbuf_pool_create', 'ENOMEM'), plan)
    expect(hint).toContain('raise memory.mib, or lower memory.mbufs')
  })

  test.each([
    ['tap_lookup', 'ENODEV', 'ERR_TAP_MISSING'],
    ['tap_lookup', 'ERANGE', 'ERR_TAP_QUEUES'],
    ['tap_lookup', 'EMEDIUMTYPE', 'ERR_TAP_NOT_A_TAP'],
    ['dp_virtio_check_queues', 'ERANGE', 'ERR_TAP_QUEUES'],
    ['TUNSETIFF', 'EBUSY', 'ERR_TAP_BUSY'],
    ['TUNSETIFF', 'EPERM', 'ERR_TAP_OWNER'],
    ['rte_dev_probe', 'EFAULT', 'ERR_DEVICE'],
    ['rte_eal_init', 'ENOMEM', 'ERR_MEMORY'],
    ['rte_eal_init', 'EINVAL', 'ERR_EAL'],
    ['something_new', 'EIO', 'ERR_WORKER'],
  ])('%s with %s is %s', (call, code, expected) => {
    expect(reportError(nativeError(call, code), plan).code).toBe(expected)
  })
})
