import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, rmdirSync, writeFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import type { Environment } from '../../src/environment/types.js'
import { checkout } from './container.js'
import { hugetlbMissing, inHugetlbCgroup, withHugepages } from './restrictions.js'

const program =
  `import { discoverEnvironment } from ${JSON.stringify(`${checkout}/dist/environment/discover.js`)}\n` +
  'process.stdout.write(JSON.stringify(discoverEnvironment()))'

function discoverBelow(prefix: readonly string[]): Environment {
  const [file = '', ...args] = [...prefix, process.execPath, '--input-type=module', '-e', program]
  return JSON.parse(execFileSync(file, args, { encoding: 'utf8', timeout: 60_000 }))
}

const noHugetlb = hugetlbMissing()
if (noHugetlb !== null && process.env.CI) throw new Error(`the tests of hugetlb cgroups need ${noHugetlb}`)

describe.skipIf(noHugetlb !== null)(`a real hugetlb cgroup${noHugetlb === null ? '' : ` (needs ${noHugetlb})`}`, () => {
  test('lets a process have less than the machine has free', async () => {
    await withHugepages(8, async () => {
      await inHugetlbCgroup(3 * 2 ** 21, (prefix) => {
        const small = discoverBelow(prefix).hugepages.find(({ size }) => size === '2Mi')
        expect(small?.free).toBeGreaterThanOrEqual(4)
        expect(small).toMatchObject({ cgroup: { limit: 3, used: 0 }, available: 3 })
      })
    })
  })
})

const mounts = { cpuset: '/sys/fs/cgroup/cpuset', cpu: '/sys/fs/cgroup/cpu' }
const noV1 =
  process.getuid?.() !== 0 ? 'root' : Object.values(mounts).every(existsSync) ? undefined : 'cgroup v1 (cpuset, cpu)'

// A machine has v1 or it has not; nothing installs it. Root is what CI must bring.
if (noV1 === 'root' && process.env.CI) throw new Error(`the tests of cgroups of v1 need ${noV1}`)

/** Folders in both hierarchies, filled in this order; gone when `act` is done. */
function inV1Cgroups<T>(files: readonly (readonly [string, string])[], act: (prefix: string[]) => T): T {
  const name = `spillway-test-${process.pid}`
  const folders = Object.values(mounts).map((mount) => `${mount}/${name}`)
  for (const folder of folders) mkdirSync(folder)
  try {
    for (const [path, text] of files) writeFileSync(path.replace('*', name), text)
    const join = folders.map((folder) => `echo $$ > ${folder}/cgroup.procs`)
    return act(['sh', '-ec', [...join, 'exec "$@"'].join('\n'), 'sh'])
  } finally {
    for (const folder of folders) rmdirSync(folder)
  }
}

describe.skipIf(noV1 !== undefined)(`real cgroups of v1${noV1 === undefined ? '' : ` (needs ${noV1})`}`, () => {
  test('say which CPUs, how much time, and that load balancing is off', () => {
    const files = [
      [`${mounts.cpuset}/*/cpuset.cpus`, '1'],
      [`${mounts.cpuset}/*/cpuset.mems`, '0'],
      [`${mounts.cpuset}/*/cpuset.sched_load_balance`, '0'],
      [`${mounts.cpu}/*/cpu.cfs_quota_us`, '150000'],
      [`${mounts.cpu}/*/cpu.cfs_period_us`, '100000'],
    ] as const
    const { cpus } = inV1Cgroups(files, discoverBelow)
    expect(cpus).toMatchObject({ allowed: [1], cgroupCpuset: [1], cgroupVersion: 1, quota: 1.5, loadBalancing: false })
    expect(cpus.throttledPeriods).not.toBeNull()
  })
})
