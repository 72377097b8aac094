import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { hugetlbMissing, inHugetlbCgroup, runBelow, withHugepages } from './restrictions.js'

/*
 * What `spillway plan --format env` prints, given to a program that Spillway has nothing to do with: Debian's
 * dpdk-testpmd. It sends a burst and ends with its input.
 */

const command = fileURLToPath(new URL('../../bin/spillway.mjs', import.meta.url))
const missing = hugetlbMissing()
if (missing !== null && process.env.CI) throw new Error(`the test of the hugetlb cgroup needs ${missing}`)
let folder = ''
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'spillway-plan-test-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const testpmd = `
  plan=$(node ${command} plan --set 'ports[0].device=net_null0' --set "memory.pageSize=$PAGE_SIZE" --format env)
  eval "$plan"
  export RUNTIME_DIRECTORY
  echo "EAL_ARGS: $EAL_ARGS"
  eval "timeout 60 dpdk-testpmd $EAL_ARGS -- --no-mlockall --total-num-mbufs=20000 --auto-start --tx-first" </dev/null
`

function runTestpmd(pageSize: 'auto' | 'none', below: readonly string[][] = []): string {
  const environment = ['env', `RUNTIME_DIRECTORY=${folder}`, `PAGE_SIZE=${pageSize}`]
  return runBelow([...below, environment], ['sh', '-ec', testpmd])
}

/** All that DPDK says when it runs to its end: the port forwarded what it was given. */
function expectForwarded(said: string): void {
  expect(said).toMatch(/RX-packets: [1-9]\d* /)
  expect(said).toContain('Bye...')
}

describe('the EAL arguments of the plan, given to dpdk-testpmd', () => {
  test('are taken without hugepages', () => {
    const said = runTestpmd('none')
    expect(said).toContain('--no-huge --no-shconf -m 1024')
    expectForwarded(said)
  }, 60_000)

  test.skipIf(missing !== null)(
    `keep to the hugetlb cgroup, however many pages the machine has free${missing === null ? '' : ` (needs ${missing})`}`,
    async () => {
      await withHugepages(300, () =>
        inHugetlbCgroup(100 * 2 ** 21, (prefix) => {
          const said = runTestpmd('auto', [prefix])
          expect(said).toContain('--in-memory --socket-mem 198 --socket-limit 198')
          expectForwarded(said)
        }),
      )
    },
    60_000,
  )
})
