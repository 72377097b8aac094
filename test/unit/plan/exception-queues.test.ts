import { describe, expect, it } from 'vitest'
import type { CpuEnvironment } from '../../../src/environment/types.js'
import { decision, machine, plan, tap, usableDevice } from './fixtures.js'

const settings = (exception: string, lcores = '1') => ({
  ports: `[{ device: net_null0, exception: ${exception} }]`,
  lcores,
})

/** A machine of so many CPUs, one of which polls. */
function pod(count: number, { multiQueue = true, vhost = false, quota = null as CpuEnvironment['quota'] } = {}) {
  const made = machine()
  const allowed = Array.from({ length: count }, (_, cpuId) => cpuId)
  return machine({
    cpus: { ...made.cpus, allowed, online: allowed, cores: allowed.map((cpuId) => [cpuId]), quota },
    devices: vhost ? { ...made.devices, vhostNet: usableDevice('/dev/vhost-net') } : made.devices,
    netdevs: [...made.netdevs.filter(({ name }) => name !== 'ext0'), tap('ext0', { multiQueue })],
  })
}

const queuesOf = (environment: ReturnType<typeof machine>, exception = '{}', lcores = '1') =>
  plan(settings(exception, lcores), environment).ports[0]?.exception.queues

describe('exception.queues: auto', () => {
  it('is 1 on a tap that was made with one, however many CPUs there are', () => {
    const environment = pod(16, { multiQueue: false })
    expect(queuesOf(environment)).toBe(1)
    expect(decision(plan(settings('{}'), environment), 'port vf0 exception path queues')?.reason).toBe(
      'the tap was made with one; more need multi_queue',
    )
  })

  it.each([
    [1, 1],
    [2, 1],
    [3, 1],
    [4, 2],
    [6, 4],
    [16, 8],
  ])('on a multi-queue tap: of %i CPUs, one polls and one is for everything else: %i', (cpus, queues) => {
    expect(queuesOf(pod(cpus), '{}', cpus === 1 ? 'auto' : '1')).toBe(queues)
  })

  it.each([
    [4, 1],
    [6, 2],
    [32, 8],
  ])('counts a vhost worker for each queue: with %i CPUs %i', (cpus, queues) => {
    expect(queuesOf(pod(cpus, { vhost: true }))).toBe(queues)
  })

  it('is bounded by a CPU quota: what polling takes is not there', () => {
    expect(queuesOf(pod(16, { quota: 4 }))).toBe(2)
    expect(queuesOf(pod(16, { quota: 1.5 }))).toBe(1)
  })

  it('says how it came about', () => {
    expect(decision(plan(settings('{}'), pod(6)), 'port vf0 exception path queues')).toMatchObject({
      choice: '4',
      reason: 'the tap takes several; housekeeping has 4 CPUs beside the one for Node',
    })
  })
})

describe('exception.queues: a number', () => {
  it('stands, with a warning when threads take turns on a CPU', () => {
    const made = plan(settings('{ queues: 4 }'), pod(3))
    expect(made.ports[0]?.exception.queues).toBe(4)
    expect(decision(made, 'port vf0 exception path queues')).toMatchObject({
      level: 'warning',
      reason: 'exception.queues says so; their threads take turns on 2 housekeeping CPUs',
    })
  })
})
