import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { CpuEnvironment, NumaNode } from '../../../src/environment/types.js'
import { decision, machine, nullPort, plan, vf } from './fixtures.js'

const online = Array.from({ length: 64 }, (_, cpuId) => cpuId)
/** A machine of 32 cores: CPU n and n + 32 are siblings; even cores are on NUMA node 0, odd ones on node 1. */
const cores = online.slice(0, 32).map((cpuId) => [cpuId, cpuId + 32])
const numaNodes: NumaNode[] = [0, 1].map((id) => ({ id, cpus: online.filter((cpuId) => cpuId % 2 === id) }))

function pod(allowed: number[], changes: Partial<CpuEnvironment> = {}, deviceNode: number | null = null) {
  const { cpus } = machine()
  return machine({
    cpus: { ...cpus, allowed, online, cores, ...changes },
    numaNodes,
    pciDevices: [vf('0000:3b:02.4', { numaNode: deviceNode })],
  })
}
const vfPort = { ports: '[{ device: "0000:3b:02.4" }]' }

describe('SMT siblings', () => {
  it('of a polling CPU stay unused: two whole cores poll on one CPU and keep house on the other core', () => {
    const made = plan(nullPort, pod([2, 34, 4, 36]))
    expect(made.cpus).toEqual({ housekeeping: [2, 34], polling: [4], unused: [36], pinning: 'set' })
    expect(decision(made, 'polling CPUs')).toMatchObject({
      reason: 'allowed are 2,4,34,36; one CPU of each core but that of 2,34',
      level: 'info',
    })
    expect(decision(made, 'unused CPUs')?.choice).toBe('36')
  })

  it('of one core share it: one polls, the other keeps house, with a warning', () => {
    const made = plan(nullPort, pod([2, 34]))
    expect(made.cpus).toMatchObject({ housekeeping: [2], polling: [34], unused: [] })
    expect(decision(made, 'polling CPUs')?.level).toBe('warning')
    expect(decision(made, 'housekeeping CPUs')?.level).toBe('warning')
  })

  it('are given to housekeeping by whole cores, before a core of which only half is ours', () => {
    expect(plan(nullPort, pod([2, 4, 36])).cpus).toMatchObject({ housekeeping: [4, 36], polling: [2], unused: [] })
  })

  it('that lcores names both poll, with a warning', () => {
    const made = plan({ ...nullPort, lcores: '4,36' }, pod([2, 34, 4, 36]))
    expect(made.cpus).toMatchObject({ housekeeping: [2, 34], polling: [4, 36] })
    expect(decision(made, 'polling CPUs')).toMatchObject({ level: 'warning' })
    expect(decision(made, 'polling CPUs')?.reason).toContain('SMT siblings poll side by side (4,36)')
  })

  it('keep house when lcores leaves nothing else, with a warning', () => {
    const made = plan({ ...nullPort, lcores: '2,4' }, pod([2, 34, 4, 36]))
    expect(made.cpus).toMatchObject({ housekeeping: [34, 36], polling: [2, 4], unused: [] })
    expect(decision(made, 'housekeeping CPUs')?.level).toBe('warning')
  })

  it('stay unused also beside named lcores', () => {
    expect(plan({ ...nullPort, lcores: '4' }, pod([2, 34, 4, 36])).cpus).toMatchObject({
      housekeeping: [2, 34],
      unused: [36],
    })
  })
})

describe('NUMA', () => {
  it('lets CPUs poll on the node of the device, and others keep house', () => {
    const made = plan(vfPort, pod([2, 4, 3, 5], {}, 1))
    expect(made.cpus).toMatchObject({ housekeeping: [2, 4], polling: [3, 5] })
    expect(decision(made, 'polling CPUs far away')).toBeUndefined()
  })

  it('lets CPUs poll far away when there are no others, with a warning', () => {
    const made = plan(vfPort, pod([2, 4, 6], {}, 1))
    expect(made.cpus).toMatchObject({ housekeeping: [2], polling: [4, 6] })
    expect(decision(made, 'polling CPUs far away')).toMatchObject({ choice: '4,6', level: 'warning' })
    expect(decision(made, 'polling CPUs far away')?.reason).toContain('NUMA node 0')
  })

  it('warns of named CPUs on another node', () => {
    const made = plan({ ...vfPort, lcores: '3,4' }, pod([2, 3, 4, 5], {}, 1))
    expect(decision(made, 'polling CPUs far away')?.choice).toBe('4')
  })

  it('decides nothing when the host does not say where the device is', () => {
    expect(plan(vfPort, pod([2, 3, 4])).cpus).toMatchObject({ housekeeping: [2], polling: [3, 4] })
  })
})

describe('CPUs of a pod', () => {
  it('with mixed CPUs poll on the isolated ones, and the shared ones keep house', () => {
    const made = plan(nullPort, pod([0, 1, 6, 8], { mixed: { isolated: [6, 8], shared: [0, 1] } }))
    expect(made.cpus).toMatchObject({ housekeeping: [0, 1], polling: [6, 8], unused: [] })
    expect(decision(made, 'polling CPUs')?.reason).toBe('6,8 are isolated and 0-1 are shared')
  })

  it('with mixed CPUs that it may not use are those that it may', () => {
    const made = plan(nullPort, pod([6, 8], { mixed: { isolated: [6, 8], shared: [0, 1] } }))
    expect(made.cpus).toMatchObject({ housekeeping: [6], polling: [8] })
  })

  it('keep house where the kernel does not isolate, if there is such a CPU', () => {
    expect(plan(nullPort, pod([2, 3, 4], { isolated: [2, 3] })).cpus).toMatchObject({
      housekeeping: [4],
      polling: [2, 3],
    })
  })

  it('are no more than the quota pays for, with a warning', () => {
    const made = plan(nullPort, pod([2, 3, 4, 5], { quota: 3 }))
    expect(made.cpus).toMatchObject({ polling: [3, 4], housekeeping: [2, 5] })
    expect(decision(made, 'polling CPUs')).toMatchObject({ level: 'warning' })
    expect(decision(made, 'polling CPUs')?.reason).toContain("the cgroup's quota is 3 CPUs")
  })

  it('warn of nothing when the quota pays for all of them', () => {
    expect(decision(plan(nullPort, pod([2, 3, 4, 5], { quota: 4 })), 'polling CPUs')?.level).toBe('info')
  })

  it('get a quota as a warning also when lcores names them', () => {
    const made = plan({ ...nullPort, lcores: '3' }, pod([2, 3, 4, 5], { quota: 1.5 }))
    expect(decision(made, 'polling CPUs')).toMatchObject({ level: 'warning', choice: '3' })
  })

  it('pin each thread when load is not balanced: the main lcore has one CPU', () => {
    const made = plan(nullPort, pod([2, 34, 4, 36], { loadBalancing: false }))
    expect(made.cpus.pinning).toBe('each')
    expect(made.ealArgs.slice(0, 2)).toEqual(['--lcores', '0@(2),1@4'])
    expect(decision(made, 'housekeeping threads')?.choice).toBe('pinned one by one')
  })

  it('tell where kubectl exec may land, in a pod with CPUs of its own', () => {
    const kubernetes = { ...machine().pod, kubernetes: true }
    const made = plan(nullPort, { ...pod([2, 4]), pod: kubernetes })
    expect(decision(made, 'kubectl exec')?.reason).toContain('begin it with `taskset -c 2`')
    expect(decision(plan(nullPort, pod([2, 4])), 'kubectl exec')).toBeUndefined()
  })
})

describe('every pod', () => {
  const someCpus = fc.uniqueArray(fc.nat(63), { minLength: 1, maxLength: 20 }).map((ids) => ids.sort((a, b) => a - b))

  it('has each allowed CPU in one place: polling, housekeeping or unused, unless it has one', () => {
    fc.assert(
      fc.property(someCpus, fc.constantFrom(null, 0, 1), fc.option(fc.nat(8)), (allowed, node, quota) => {
        const { polling, housekeeping, unused } = plan(vfPort, pod(allowed, { quota }, node)).cpus
        const all = [...polling, ...housekeeping, ...unused].sort((a, b) => a - b)
        expect(all).toEqual(allowed.length === 1 ? [allowed[0], allowed[0]] : allowed)
      }),
    )
  })

  it('polls on one CPU of a core, and nothing else runs there, unless there is one core', () => {
    fc.assert(
      fc.property(someCpus, (allowed) => {
        const { polling, housekeeping } = plan(nullPort, pod(allowed)).cpus
        const used = cores.filter((core) => core.some((cpuId) => allowed.includes(cpuId)))
        if (used.length === 1) return
        const beside = [...polling, ...housekeeping]
        for (const cpuId of polling) expect(beside.includes((cpuId + 32) % 64)).toBe(false)
      }),
    )
  })
})
