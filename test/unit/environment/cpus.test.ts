import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { allowedBeforeLaunch } from '../../../src/environment/cpus.js'
import { discoverOn, type MadeHost } from './made-host.js'

const cgroup = 'sys/fs/cgroup'
const status = (list: string) => ({ 'proc/self/status': `Cpus_allowed_list:\t${list}\n` })
const cpusOf = (files: Record<string, string>, host: MadeHost = {}) => discoverOn({ ...host, files }).cpus

describe('the CPU quota', () => {
  it.each([
    ['max 100000\n', null],
    ['250000 100000\n', 2.5],
    ['nonsense', null],
    ['0 0\n', null],
    ['', null],
  ])('of cgroup v2 is read from %j', (text, quota) => {
    expect(cpusOf({ [`${cgroup}/cpu.max`]: text }).quota).toBe(quota)
  })

  it.each([
    ['-1', '100000', null],
    ['350000', '100000', 3.5],
    ['100000', '0', null],
    ['100000', 'x', null],
  ])('of cgroup v1 is read from %j of %j', (quota, period, cpus) => {
    const folder = `${cgroup}/cpu,cpuacct`
    const files = { [`${folder}/cpu.cfs_quota_us`]: quota, [`${folder}/cpu.cfs_period_us`]: period }
    expect(cpusOf(files).quota).toBe(cpus)
  })

  it('is the least of the container and what is above it', () => {
    const files = {
      'proc/self/cgroup': '0::/pod/container\n',
      [`${cgroup}/cgroup.controllers`]: 'cpu\n',
      [`${cgroup}/pod/cpu.max`]: '200000 100000\n',
      [`${cgroup}/pod/container/cpu.max`]: 'max 100000\n',
      [`${cgroup}/pod/container/cpu.stat`]: 'nr_periods 9\nnr_throttled 4\n',
      [`${cgroup}/cpu.stat`]: 'nr_throttled 99\n',
    }
    expect(cpusOf(files)).toMatchObject({ quota: 2, throttledPeriods: 4, cgroupVersion: 2 })
  })

  it('is found at the root of the mount when the path of /proc/self/cgroup is the host’s', () => {
    const files = { 'proc/self/cgroup': '0::/kubepods/pod1/abc\n', [`${cgroup}/cpu.max`]: '100000 100000\n' }
    expect(cpusOf(files).quota).toBe(1)
  })

  it('is not looked for outside of the cgroup namespace', () => {
    const files = { 'proc/self/cgroup': '0::/../../etc\n', [`${cgroup}/cpu.max`]: '100000 100000\n' }
    expect(cpusOf(files).quota).toBe(1)
  })
})

describe('the CPU shares', () => {
  it.each([
    ['157\n', 4092],
    ['4\n', 81],
    ['10000\n', 262_144],
    ['0\n', 0],
    ['max', null],
    ['', null],
  ])('of cgroup v2 are made from the weight %j', (text, shares) => {
    expect(cpusOf({ [`${cgroup}/cpu.max`]: 'max 100000\n', [`${cgroup}/cpu.weight`]: text }).shares).toBe(shares)
  })

  it('of cgroup v1 are read as they are', () => {
    expect(cpusOf({ [`${cgroup}/cpu,cpuacct/cpu.shares`]: '6144\n' }).shares).toBe(6144)
  })

  it('are those of the container, not of the pod above it', () => {
    const files = {
      'proc/self/cgroup': '0::/pod/container\n',
      [`${cgroup}/cgroup.controllers`]: 'cpu\n',
      [`${cgroup}/pod/cpu.weight`]: '200\n',
      [`${cgroup}/pod/container/cpu.weight`]: '157\n',
    }
    expect(cpusOf(files).shares).toBe(4092)
  })
})

describe('the cpuset', () => {
  it('is read of cgroup v2', () => {
    const files = { [`${cgroup}/cpuset.cpus.effective`]: '2-3,18\n' }
    expect(cpusOf(files)).toMatchObject({ cgroupVersion: 2, cgroupCpuset: [2, 3, 18] })
  })

  it('is read of cgroup v1, also where only the older file is', () => {
    const older = cpusOf({ [`${cgroup}/cpuset/cpuset.cpus`]: '4-5\n' })
    expect(older).toMatchObject({ cgroupVersion: 1, cgroupCpuset: [4, 5] })
    const both = { [`${cgroup}/cpuset/cpuset.cpus`]: '\n', [`${cgroup}/cpuset/cpuset.effective_cpus`]: '0-7\n' }
    expect(cpusOf(both).cgroupCpuset).toEqual([0, 1, 2, 3, 4, 5, 6, 7])
  })

  it('of an empty list says nothing', () => {
    expect(cpusOf({ [`${cgroup}/cpuset.cpus.effective`]: '\n' }).cgroupCpuset).toBeNull()
  })
})

describe('load balancing', () => {
  const balancing = (files: Record<string, string>) => cpusOf(files).loadBalancing
  it('is on unless somebody switched it off', () => expect(balancing({})).toBe(true))
  it.each([
    ['1\n', true],
    ['0\n', false],
  ])('of cgroup v1 follows sched_load_balance %j', (text, on) => {
    expect(balancing({ [`${cgroup}/cpuset/cpuset.sched_load_balance`]: text })).toBe(on)
  })
  it.each([
    ['member\n', true],
    ['root\n', true],
    ['isolated\n', false],
    ['isolated invalid (Cpu list in cpuset.cpus not exclusive)\n', true],
  ])('of cgroup v2 follows the partition %j', (text, on) => {
    const files = { [`${cgroup}/cpuset.cpus.effective`]: '0\n', [`${cgroup}/cpuset.cpus.partition`]: text }
    expect(balancing(files)).toBe(on)
  })
  it.each([
    ['cpu-load-balancing.crio.io="disable"\n', false],
    ['cpu-load-balancing.crio.io/spillway="disable"\n', false],
    ['cpu-load-balancing.crio.io="enable"\n', true],
    ['irq-load-balancing.crio.io="disable"\n', true],
  ])('follows the annotation %j', (annotations, on) => {
    expect(balancing({ 'etc/podnetinfo/annotations': annotations })).toBe(on)
  })
})

describe('the CPUs of a launched process', () => {
  const launched = (list: string) => {
    const host = { env: { SPILLWAY_ALLOWED_CPUS: list } }
    const { cpus, process } = discoverOn({
      ...host,
      files: { ...status('2'), 'sys/devices/system/cpu/online': '0-7\n', [`${cgroup}/cpuset.cpus.effective`]: '2-5\n' },
    })
    return { allowed: cpus.allowed, launched: process.launched }
  }
  it('are those that were allowed before', () => {
    expect(launched('2-5')).toEqual({ allowed: [2, 3, 4, 5], launched: true })
  })
  it.each(['', '3-5', '0-5', '2-9', 'all', '2-', '-1', '2,99999'])('are not what %j says', (list) => {
    expect(launched(list)).toEqual({ allowed: [2], launched: false })
  })
  it('never lose what is allowed now, nor gain what the cgroup does not give', () => {
    const ids = fc.uniqueArray(fc.nat(15), { minLength: 1 })
    fc.assert(
      fc.property(ids, ids, ids, (list, now, given) => {
        const taken = allowedBeforeLaunch({ SPILLWAY_ALLOWED_CPUS: list.join(',') }, now, given)
        if (taken === undefined) return
        expect(taken).toEqual(expect.arrayContaining(now))
        expect(given).toEqual(expect.arrayContaining(taken))
      }),
    )
  })
})

describe('cores', () => {
  const topology = 'sys/devices/system/cpu'
  it('are groups of siblings', () => {
    const files = {
      [`${topology}/online`]: '0-3\n',
      [`${topology}/cpu0/topology/thread_siblings_list`]: '0,2\n',
      [`${topology}/cpu1/topology/core_cpus_list`]: '1,3\n',
    }
    expect(cpusOf(files).cores).toEqual([
      [0, 2],
      [1, 3],
    ])
  })
  it('are single CPUs where the kernel does not say, and hold no offline sibling', () => {
    const files = { [`${topology}/online`]: '0-1\n', [`${topology}/cpu0/topology/thread_siblings_list`]: '0,64\n' }
    expect(cpusOf(files).cores).toEqual([[0], [1]])
  })
})

it('tells mixed CPUs only when both lists are there', () => {
  const env = { OPENSHIFT_ISOLATED_CPUS: '4-5', OPENSHIFT_SHARED_CPUS: '0' }
  expect(discoverOn({ env }).cpus.mixed).toEqual({ isolated: [4, 5], shared: [0] })
  expect(discoverOn({ env: { OPENSHIFT_ISOLATED_CPUS: '4-5' } }).cpus.mixed).toBeNull()
  expect(discoverOn({ env: { ...env, OPENSHIFT_SHARED_CPUS: 'none' } }).cpus.mixed).toBeNull()
})

it('takes `(null)` of nohz_full for none', () => {
  expect(cpusOf({ 'sys/devices/system/cpu/nohz_full': '  (null)\n' }).nohzFull).toEqual([])
})
