import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Hugepages } from '../../../src/environment/types.js'
import { countMbufs } from '../../../src/plan/mbufs.js'
import { decision, hugepages, machine, nullPort, plan, refusal, vf } from './fixtures.js'

const pages = (...found: Hugepages[]) => machine({ hugepages: found })
const small = (free: number) => hugepages('2Mi', 4096, free)
const big = (free: number) => hugepages('1Gi', 8, free)

describe('hugepages', () => {
  it('refuses a size of which too few are free: needed, found, remedy', () => {
    const error = refusal(() =>
      plan({ ...nullPort, 'memory.pageSize': '2Mi', 'memory.mib': '512' }, pages(small(64), big(0))),
    )
    expect(error).toMatchObject({ code: 'ERR_HUGEPAGES', exitCode: 69 })
    expect(error.message).toBe(
      'need 512 MiB of 2Mi hugepages, found 64 of 4096 pages of 2Mi free, 0 of 8 pages of 1Gi free',
    )
    expect(error.hint).toContain("raise hugepages-2Mi in the pod's limits")
  })

  it('refuses a size that the kernel does not have', () => {
    expect(refusal(() => plan({ ...nullPort, 'memory.pageSize': '1Gi' }, pages())).message).toContain(
      'no hugepages in this kernel',
    )
  })

  it('are 2Mi when enough are free, also when bigger ones are', () => {
    expect(plan(nullPort, pages(small(1000), big(4))).memory.pageSize).toBe('2Mi')
  })

  it('are bigger ones when too few small ones are free', () => {
    const { memory, ealArgs } = plan(nullPort, pages(small(3), big(1)))
    expect(memory).toMatchObject({ pageSize: '1Gi', mib: 1024 })
    expect(ealArgs).toContain('--in-memory')
  })

  it('are none when too few of any are free, with a warning', () => {
    const made = plan(nullPort, pages(small(3), big(0)))
    expect(made.memory.pageSize).toBe('none')
    expect(decision(made, 'page size')?.level).toBe('warning')
  })
})

describe('EAL arguments', () => {
  it('never join --no-huge and --in-memory, which 22.11 refuses', () => {
    expect(plan(nullPort, pages(small(1000))).ealArgs).not.toContain('--no-huge')
    const without = plan({ ...nullPort, 'memory.pageSize': 'none' }, pages(small(1000))).ealArgs
    expect(without).not.toContain('--in-memory')
    expect(without).toEqual(expect.arrayContaining(['--no-huge', '--no-shconf']))
  })

  it('reserve the planned memory', () => {
    const { memory, ealArgs } = plan()
    expect(ealArgs[ealArgs.indexOf('-m') + 1]).toBe(String(memory.mib))
    const huge = plan(nullPort, pages(small(1000)))
    expect(huge.ealArgs[huge.ealArgs.indexOf('--socket-mem') + 1]).toBe(String(huge.memory.mib))
  })
})

describe('memory', () => {
  it('refuses a size that the mbufs do not fit into', () => {
    const error = refusal(() => plan({ ...nullPort, 'memory.mib': '64', 'memory.mbufs': '100000' }))
    expect(error).toMatchObject({ code: 'ERR_CONFIG', exitCode: 78 })
    expect(error.message).toMatch(/^memory.mib: expected at least \d+ for 100000 mbufs without hugepages, found 64$/)
  })

  const planned = (settings: Record<string, string>, environment = machine()) =>
    plan({ ...nullPort, ...settings }, environment).memory

  it.each([
    [34_000, 'auto', 4096],
    [100_000, 'auto', 4096],
    [10_000, '4000', 8192],
    [10_000, '9000', 12_288],
  ])('without hugepages has room for %i mbufs of MTU %s, which take %i bytes each', (mbufs, mtu, bytes) => {
    const ports = `[{ device: net_null0, mtu: ${mtu} }]`
    const { pageSize, mib } = planned({ ports, 'memory.mbufs': String(mbufs) })
    expect(pageSize).toBe('none')
    expect(mib * 2 ** 20).toBeGreaterThan(mbufs * bytes)
  })

  it('is less in hugepages, where mbufs lie side by side, and the plan says how much that would be', () => {
    const without = planned({ 'memory.mbufs': '100000' })
    const within = planned({ 'memory.mbufs': '100000' }, pages(small(1000)))
    expect(within).toMatchObject({ pageSize: '2Mi', hugepagesMib: within.mib })
    expect(without.hugepagesMib).toBeLessThan(without.mib)
    expect(without.hugepagesMib).toBeLessThanOrEqual(within.mib)
    const enough = pages(small(Math.ceil(without.hugepagesMib / 2)))
    expect(planned({ 'memory.mbufs': '100000' }, enough).pageSize).toBe('2Mi')
  })

  it('is a whole number of pages', () => {
    expect(plan({ ...nullPort, 'memory.mib': '101' }, pages(small(1000))).memory.mib).toBe(102)
  })

  const twoNodes = {
    numaNodes: [
      { id: 0, cpus: [0, 1] },
      { id: 1, cpus: [2, 3] },
    ],
    pciDevices: [vf('0000:3b:02.4', { numaNode: 0 }), vf('0000:3b:02.5', { numaNode: 1 })],
    hugepages: [hugepages('2Mi', 4096)],
  }
  const on = (...addresses: string[]) => ({ ports: `[${addresses.map((it) => `{ device: "${it}" }`).join(', ')}]` })
  const perNode = (...free: number[]): Hugepages => {
    const available = free.reduce((sum, pages) => sum + pages, 0)
    const nodes = free.map((pages, numaNode) => ({ numaNode, total: 4096, free: pages }))
    return { ...hugepages('2Mi', 8192, available), nodes }
  }

  it('is on the nodes of the devices, a mempool on each', () => {
    const one = plan(on('0000:3b:02.5'), machine(twoNodes))
    expect(one.memory.nodes.map(({ numaNode }) => numaNode)).toEqual([1])
    expect(one.ealArgs.join(' ')).toContain(`--socket-mem 0,${one.memory.mib} --socket-limit 1,`)
    const both = plan(on('0000:3b:02.4', '0000:3b:02.5'), machine(twoNodes))
    expect(both.memory.nodes.map(({ numaNode }) => numaNode)).toEqual([0, 1])
    expect(both.memory.mib).toBe(both.memory.nodes.reduce((sum, { mib }) => sum + mib, 0))
  })

  it('is none in hugepages when those of the node are short, whatever the other node has', () => {
    const made = plan(on('0000:3b:02.5'), machine({ ...twoNodes, hugepages: [perNode(4096, 3)] }))
    expect(made.memory.pageSize).toBe('none')
    expect(decision(made, 'page size')?.reason).toContain('node 0: 4096, node 1: 3')
    const wanted = { ...on('0000:3b:02.5'), 'memory.pageSize': '2Mi' }
    expect(refusal(() => plan(wanted, machine({ ...twoNodes, hugepages: [perNode(4096, 3)] }))).code).toBe(
      'ERR_HUGEPAGES',
    )
  })

  it('grows to the last but one page that the cgroup allows, and not beyond what the node has', () => {
    const limited = { ...hugepages('2Mi', 4096), cgroup: { limit: 512, used: 12 }, available: 500 }
    const made = plan(nullPort, pages(limited))
    expect(made.memory.nodes).toEqual([{ numaNode: 0, mib: made.memory.mib, limitMib: 998 }])
    expect(made.ealArgs.join(' ')).toContain(`--socket-mem ${made.memory.mib} --socket-limit 998`)
    const short = plan(on('0000:3b:02.5'), machine({ ...twoNodes, hugepages: [perNode(4096, 100)] }))
    expect(short.memory.nodes[0]?.limitMib).toBe(200)
  })

  it("grows to the last but one page of the pod's limit where no cgroup shows it", () => {
    const limit = { container: 'app', size: '2Mi' as const, kind: 'limit' as const, mib: 512 }
    const pod = { ...machine().pod, containerName: 'app', hugepages: [limit] }
    const made = plan(nullPort, machine({ hugepages: [small(4096)], pod }))
    expect(made.memory.nodes).toEqual([{ numaNode: 0, mib: made.memory.mib, limitMib: 510 }])
    expect(decision(made, 'memory limit')?.reason).toContain('/etc/podnetinfo')
  })

  it('grows on no node that has no part in it', () => {
    const { memory, ealArgs } = plan(on('0000:3b:02.4'), machine(twoNodes))
    const limit = memory.nodes[0]?.limitMib
    expect(ealArgs.join(' ')).toContain(`--socket-mem ${memory.mib},0 --socket-limit ${limit},1 `)
  })

  it('keeps to the cgroup, not to the free pages of the machine', () => {
    const limited = { ...hugepages('2Mi', 4096), cgroup: { limit: 8, used: 0 }, available: 8 }
    const error = refusal(() => plan({ ...nullPort, 'memory.pageSize': '2Mi' }, pages(limited)))
    expect(error.message).toContain('8 of 4096 pages of 2Mi free (the cgroup allows 8 and 0 are used)')
  })

  it('that the operator sets is divided among the nodes', () => {
    const made = plan({ ...on('0000:3b:02.4', '0000:3b:02.5'), 'memory.mib': '1024' }, machine(twoNodes))
    expect(made.memory.mib).toBe(1024)
  })

  it('warns when fewer mbufs are configured than can be somewhere at once', () => {
    expect(decision(plan({ ...nullPort, 'memory.mbufs': '1000' }), 'mbufs')?.level).toBe('warning')
  })
})

describe('an mbuf', () => {
  const room = (mtu: string) => plan({ ports: `[{ device: net_null0, mtu: ${mtu} }]` }).memory.dataRoomBytes

  it("has DPDK's default size as long as that holds the MTU", () => {
    expect(room('auto')).toBe(2176)
    expect(room('1500')).toBe(2176)
    expect(room('2022')).toBe(2176)
  })

  it('grows with the MTU, so that no frame is scattered', () => {
    expect(room('2023')).toBeGreaterThanOrEqual(128 + 2023 + 26)
    expect(room('9000')).toBe(9216)
    expect(room('9702')).toBeGreaterThanOrEqual(128 + 9702 + 26)
  })
})

describe('countMbufs', () => {
  const port = (changes: object = {}) =>
    ({ ...plan().ports[0], ...changes }) as NonNullable<ReturnType<typeof plan>['ports'][0]>

  it('counts every place where mbufs can be', () => {
    const exception = { backend: 'vhost-net' as const, tap: 'ext0', queues: 2, queueSize: 256 }
    const one = port({ queues: 1, rxDescriptors: 512, txDescriptors: 1024, exception })
    expect(countMbufs({ ports: [one], lcores: 3, burst: 32, mbufCache: 256 })).toEqual({
      mbufs: 3584 + 15_360 + 2304 + 640,
      // 512 + 2×1024 + 2×2×256; 3×2×3×512 + 2×1024 + 2×2048; 384×6; 4×32×5
      terms: 'descriptors 3584, rings 15360, caches 2304, bursts 640',
    })
  })

  it("shares an lcore's room among the exception threads, as far as a burst fits each ring", () => {
    const rings = (queues: number): number => {
      const exception = { backend: 'tap' as const, tap: 'ext0', queues, queueSize: 256 }
      const { terms } = countMbufs({ ports: [port({ exception })], lcores: 1, burst: 32, mbufCache: 0 })
      return Number(/rings (\d+)/.exec(terms)?.[1]) - 2048 * queues
    }
    const [one, two, three, four, eight] = [1024, 2 * 512, 3 * 256, 4 * 256, 8 * 256].map((room) => 3 * room)
    expect([1, 2, 3, 4, 8].map(rings)).toEqual([one, two, three, four, eight])
  })

  it('never gets by with less when there is more', () => {
    const count = fc.integer({ min: 1, max: 16 })
    fc.assert(
      fc.property(
        count,
        count,
        fc.integer({ min: 1, max: 256 }),
        fc.integer({ min: 0, max: 512 }),
        (lcores, ports, burst, mbufCache) => {
          const use = { ports: Array.from({ length: ports }, () => port()), lcores, burst, mbufCache }
          const { mbufs } = countMbufs(use)
          expect(countMbufs({ ...use, lcores: lcores + 1 }).mbufs).toBeGreaterThan(mbufs)
          expect(countMbufs({ ...use, ports: [...use.ports, port()] }).mbufs).toBeGreaterThan(mbufs)
          expect(countMbufs({ ...use, burst: burst + 1 }).mbufs).toBeGreaterThan(mbufs)
          expect(countMbufs({ ...use, mbufCache: mbufCache + 2 }).mbufs).toBeGreaterThan(mbufs)
        },
      ),
    )
  })
})
