import { describe, expect, it } from 'vitest'
import type { Environment, Hugepages } from '../../../src/environment/types.js'
import { decision, hugepages, machine, nullPort, plan } from './fixtures.js'

const memory = 'memory of another program'
const limits = (containerName: string | null, ...mib: number[]): Environment['pod'] => ({
  ...machine().pod,
  containerName,
  hugepages: mib.map((limit, index) => ({
    container: index === 0 ? 'app' : `other${index}`,
    size: '2Mi',
    kind: 'limit',
    mib: limit,
  })),
})
const made = (changes: Partial<Environment>, settings: Record<string, string> = {}) =>
  plan({ ...nullPort, ...settings }, machine(changes))
const free = (size: Hugepages['size'], count: number) => ({ hugepages: [hugepages(size, count)] })

describe('the memory of another program', () => {
  it.each([
    ['app', [512], 510],
    ['app', [512, 64], 510],
    [null, [512, 640], 510],
    ['stranger', [512], 1024],
  ] as const)(
    'keeps to the limit in /etc/podnetinfo where no cgroup shows it: container %s of %j',
    (name, mib, most) => {
      const { program } = made({ ...free('2Mi', 4096), pod: limits(name, ...mib) })
      expect(program.memory).toEqual({ pageSize: '2Mi', mib: most })
      expect(program.ealArgs.join(' ')).toContain(`--socket-mem ${most} --socket-limit ${most}`)
    },
  )

  it('keeps to whichever limit is smaller, and leaves out what is in use', () => {
    const limited = { ...hugepages('2Mi', 4096), cgroup: { limit: 1000, used: 56 }, available: 944 }
    const under = made({ hugepages: [limited], pod: limits('app', 1600) })
    expect(under.program.memory.mib).toBe((800 - 56 - 1) * 2)
    expect(decision(under, memory)?.reason).toContain("the pod's limit in /etc/podnetinfo")
    const within = made({ hugepages: [limited], pod: limits('app', 4000) })
    expect(within.program.memory.mib).toBe(943 * 2)
    expect(decision(within, memory)?.reason).toContain('the cgroup allows')
  })

  it.each([
    ['2Mi', 100_000, 1024],
    ['512Mi', 32, 1024],
    ['1Gi', 64, 1024],
    ['2Mi', 400, 798],
  ] as const)('is not all that a machine without limits has: of %s with %i free it is %i MiB', (size, count, mib) => {
    expect(made(free(size, count)).program.memory).toEqual({ pageSize: size, mib })
  })

  it('is that amount on each node in use', () => {
    const nodes = [0, 1].map((numaNode) => ({ numaNode, total: 4096, free: 4096 }))
    const numaNodes = [
      { id: 0, cpus: [0, 1] },
      { id: 1, cpus: [2, 3] },
    ]
    const { program } = made({ numaNodes, hugepages: [{ ...hugepages('2Mi', 8192), nodes }] }, { lcores: '1-3' })
    expect(program.ealArgs.join(' ')).toContain('--socket-mem 1024,1024 ')
  })

  it('is no handful of hugepages that somebody left, unless they were asked for', () => {
    const few = made(free('2Mi', 20))
    expect(few.program.memory).toEqual({ pageSize: 'none', mib: 1024 })
    expect(decision(few, memory)?.reason).toContain('40 MiB of 2Mi are too few')
    const named = made(free('2Mi', 200), { 'memory.pageSize': '2Mi' })
    expect(named.program.memory).toEqual({ pageSize: '2Mi', mib: 398 })
    const all = { ...hugepages('2Mi', 4096), cgroup: { limit: 64, used: 0 }, available: 64 }
    expect(made({ hugepages: [all] }).program.memory).toEqual({ pageSize: '2Mi', mib: 126 })
    const rest = { ...hugepages('2Mi', 4096), cgroup: { limit: 512, used: 492 }, available: 20 }
    expect(made({ hugepages: [rest] }).program.memory.pageSize).toBe('none')
  })

  it('says when memory.pageSize wants no hugepages', () => {
    const none = made(free('2Mi', 4096), { 'memory.pageSize': 'none' })
    expect(none.program.memory.pageSize).toBe('none')
    expect(decision(none, memory)?.reason).toContain('memory.pageSize says no hugepages')
  })
})
