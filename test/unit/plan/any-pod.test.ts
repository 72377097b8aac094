import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Environment, Hugepages } from '../../../src/environment/types.js'
import { pageMib } from '../../../src/plan/pages.js'
import { draftPlan } from '../../../src/plan/plan.js'
import { planSchema } from '../../../src/plan/types.js'
import { config, machine, netdev, promised, tap, vf } from './fixtures.js'

/** Any page size of a machine with two NUMA nodes, with or without a cgroup. */
const anyPages = (size: Hugepages['size']): fc.Arbitrary<Hugepages> =>
  fc.tuple(fc.nat(600), fc.nat(600), fc.option(fc.nat(800)), fc.nat(100)).map(([a, b, limit, used]) => {
    const room = limit === null ? a + b : Math.max(0, limit - used)
    const nodes = [a, b].map((free, numaNode) => ({ numaNode, total: 600, free }))
    return { size, total: 1200, free: a + b, nodes, cgroup: { limit, used }, available: Math.min(a + b, room) }
  })

const anyNode = fc.constantFrom(null, 0, 1, 7)
const anyEnvironment: fc.Arbitrary<Environment> = fc
  .record({
    allowed: fc.uniqueArray(fc.nat(15), { minLength: 1 }).map((ids) => ids.sort((a, b) => a - b)),
    quota: fc.option(fc.double({ min: 0.1, max: 20, noNaN: true })),
    loadBalancing: fc.boolean(),
    smt: fc.boolean(),
    hugepages: fc.oneof(
      fc.constant([]),
      fc.tuple(anyPages('2Mi')),
      fc.tuple(anyPages('2Mi'), anyPages('1Gi')),
      fc.tuple(anyPages('2Mi'), anyPages('512Mi')),
    ),
    nodes: fc.tuple(anyNode, anyNode),
    netdevs: fc.subarray([netdev('lo'), tap('ext0'), tap('ext1'), tap('tapx', { owner: 0 }), netdev('ext2')]),
    kubernetes: fc.boolean(),
    memlockBytes: fc.constantFrom(null, 65_536, 2 ** 40),
  })
  .map((it) => {
    const { cpus, process, pod } = machine()
    const online = Array.from({ length: 16 }, (_, cpuId) => cpuId)
    const cores = it.smt ? online.slice(0, 8).map((cpuId) => [cpuId, cpuId + 8]) : online.map((cpuId) => [cpuId])
    return machine({
      cpus: { ...cpus, online, cores, allowed: it.allowed, quota: it.quota, loadBalancing: it.loadBalancing },
      numaNodes: [0, 1].map((id) => ({ id, cpus: online.filter((cpuId) => cpuId % 2 === id) })),
      hugepages: it.hugepages,
      devicePlugin: [promised('PCIDEVICE_X', '0000:3b:02.4', '0000:3b:02.5')],
      pciDevices: ['0000:3b:02.4', '0000:3b:02.5'].map((address, index) =>
        vf(address, { numaNode: it.nodes[index] ?? null }),
      ),
      netdevs: it.netdevs,
      process: { ...process, memlockBytes: it.memlockBytes },
      pod: { ...pod, kubernetes: it.kubernetes },
    })
  })

describe('in any pod', () => {
  it('there is a plan that the worker would accept', () => {
    fc.assert(
      fc.property(anyEnvironment, (environment) => {
        const { plan } = draftPlan(config(), environment)
        expect(planSchema.parse(plan)).toEqual(plan)
      }),
    )
  })

  it('memory is what the nodes have together, and never more than there is on one, or in the cgroup', () => {
    fc.assert(
      fc.property(anyEnvironment, (environment) => {
        const { memory } = draftPlan(config(), environment).plan
        expect(memory.nodes.reduce((sum, { mib }) => sum + mib, 0)).toBe(memory.mib)
        const pages = environment.hugepages.find(({ size }) => size === memory.pageSize)
        if (pages === undefined) return
        const page = pageMib(pages.size)
        for (const { numaNode, mib, limitMib } of memory.nodes) {
          expect([mib % page, limitMib % page]).toEqual([0, 0])
          expect(limitMib).toBeGreaterThanOrEqual(mib)
          expect(limitMib).toBeLessThanOrEqual((pages.nodes[numaNode]?.free ?? 0) * page)
        }
        const limit = memory.nodes.reduce((sum, { limitMib }) => sum + limitMib, 0)
        expect(limit).toBeLessThanOrEqual(Math.max(memory.mib, (pages.available - 1) * page))
        expect(memory.mib).toBeLessThanOrEqual(pages.available * page)
      }),
    )
  })

  it('another program is given no page that it cannot have', () => {
    fc.assert(
      fc.property(anyEnvironment, (environment) => {
        const { ealArgs } = draftPlan(config(), environment).plan.program
        const at = ealArgs.indexOf('--socket-mem')
        if (at < 0) return
        const perNode = (ealArgs[at + 1] ?? '').split(',').map(Number)
        const total = perNode.reduce((sum, mib) => sum + mib, 0)
        expect(total).toBeGreaterThan(0)
        const fits = environment.hugepages.some(
          (pages) =>
            total <= Math.max(1, pages.available - 1) * pageMib(pages.size) &&
            perNode.every((mib, numaNode) => mib <= (pages.nodes[numaNode]?.free ?? 0) * pageMib(pages.size)),
        )
        expect(fits).toBe(true)
      }),
    )
  })
})
