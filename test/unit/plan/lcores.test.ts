import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { CpuEnvironment } from '../../../src/environment/types.js'
import { config, decision, machine, nullPort, plan, refusal } from './fixtures.js'

const cpus = (changes: Partial<CpuEnvironment>) => machine({ cpus: { ...machine().cpus, ...changes } })

describe('CPUs', () => {
  it('refuses a CPU that is not allowed, and names the allowed ones', () => {
    const error = refusal(() => plan({ ...nullPort, lcores: '2-5' }))
    expect(error.code).toBe('ERR_CPUS')
    expect(error.exitCode).toBe(69)
    expect(error.message).toBe('lcores: need CPUs 2-5, but 4-5 may not be used; allowed are 0-3')
  })

  it('refuses more CPUs than the data plane has lcores for', () => {
    const many = Array.from({ length: 70 }, (_, cpuId) => cpuId)
    const error = refusal(() => plan({ ...nullPort, lcores: '0-69' }, cpus({ allowed: many, online: many })))
    expect(error.message).toBe('lcores: expected at most 64 CPUs, found 70')
  })

  it('leaves the lowest CPU to housekeeping', () => {
    const made = plan(nullPort, cpus({ allowed: [4, 6, 7] }))
    expect(made.cpus).toMatchObject({ polling: [6, 7], housekeeping: [4] })
  })

  it('gives housekeeping every allowed CPU that does not poll', () => {
    expect(plan({ ...nullPort, lcores: '2' }).cpus).toMatchObject({ polling: [2], housekeeping: [0, 1, 3] })
  })

  it('shares the only CPU, with a warning', () => {
    const made = plan(nullPort, cpus({ allowed: [3] }))
    expect(made.cpus).toMatchObject({ polling: [3], housekeeping: [3] })
    expect(decision(made, 'polling CPUs')?.level).toBe('warning')
  })

  it('shares the lowest CPU when every CPU was asked to poll, with a warning', () => {
    const made = plan({ ...nullPort, lcores: '0-3' })
    expect(made.cpus).toMatchObject({ polling: [0, 1, 2, 3], housekeeping: [0] })
    expect(decision(made, 'housekeeping CPUs')?.level).toBe('warning')
  })

  it('polls on no more CPUs than the quota pays for', () => {
    expect(plan(nullPort, cpus({ quota: 2.5 })).cpus.polling).toEqual([1])
    expect(plan(nullPort, cpus({ quota: 0.5 })).cpus.polling).toEqual([1])
  })

  it('polls on at most 64 CPUs of a big machine', () => {
    const many = Array.from({ length: 128 }, (_, cpuId) => cpuId)
    const made = plan(nullPort, cpus({ allowed: many, online: many }))
    expect(made.lcores).toHaveLength(64)
    expect(made.cpus.housekeeping).toHaveLength(64)
  })

  it('numbers lcores from 1 whatever the CPU ids, and keeps the main lcore on the housekeeping CPUs', () => {
    const made = plan(
      { ...nullPort, lcores: '300,200' },
      cpus({ allowed: [200, 201, 202, 300], online: [200, 201, 202, 300] }),
    )
    expect(made.lcores).toEqual([
      { lcoreId: 1, cpuId: 200 },
      { lcoreId: 2, cpuId: 300 },
    ])
    expect(made.ealArgs.slice(0, 2)).toEqual(['--lcores', '0@(201-202),1@200,2@300'])
  })

  it('divides every allowed set so that all CPUs are used and none is used that is not allowed', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.nat(1000), { minLength: 1, maxLength: 60 }), (ids) => {
        const allowed = ids.sort((a, b) => a - b)
        const { polling, housekeeping } = plan(nullPort, cpus({ allowed })).cpus
        expect([...new Set([...polling, ...housekeeping])].sort((a, b) => a - b)).toEqual(allowed)
        expect(polling.length).toBeGreaterThan(0)
        expect(housekeeping.length).toBeGreaterThan(0)
      }),
    )
  })
})

describe('idle lcores', () => {
  const idle = (changes: Partial<CpuEnvironment>, settings = {}) =>
    plan({ ...nullPort, ...settings }, cpus(changes)).idle

  it('ramp where the polling CPU does the housekeeping too', () => {
    expect(idle({ allowed: [3], isolated: [3] })).toBe('ramp')
  })

  it('ramp where the machine is shared', () => expect(idle({})).toBe('ramp'))

  it('ramp under a CPU quota', () => expect(idle({ allowed: [1, 2], quota: 2 })).toBe('ramp'))

  it('poll where the pod has CPUs of its own', () => expect(idle({ allowed: [1, 2] })).toBe('poll'))

  const pool = { allowed: [0, 1, 2], online: [0, 1, 2, 3], cores: [[0], [1], [2], [3]] }
  const inPod = (changes: Partial<CpuEnvironment>) => {
    const environment = cpus(changes)
    return plan(nullPort, { ...environment, pod: { ...environment.pod, kubernetes: true } })
  }

  it('ramp in the shared pool of a node, which other pods may use: the pod requested less than is allowed', () => {
    const made = inPod({ ...pool, shares: 102 })
    expect(made.idle).toBe('ramp')
    expect(decision(made, 'idle lcores')?.reason).toBe(
      'other pods share these CPUs: 3 are allowed, and the pod requested 0.1 CPUs (102 shares)',
    )
  })

  it.each([
    ['each CPU was requested', { ...pool, shares: 3072 }],
    ['each was, and the weight of cgroup v2 was rounded down', { ...pool, shares: 3046 }],
    ['nobody says what was requested', pool],
    ['each isolated one of mixed CPUs was', { ...pool, shares: 2048, mixed: { isolated: [1, 2], shared: [0] } }],
  ])('poll in a pod with a cpuset when %s', (_, changes) => expect(inPod(changes).idle).toBe('poll'))

  it('poll in a container with a cpuset outside Kubernetes, whose shares are the default', () => {
    expect(idle({ ...pool, shares: 1024 })).toBe('poll')
  })

  it('poll on isolated CPUs', () => expect(idle({ isolated: [1, 2, 3] })).toBe('poll'))

  it('do what the configuration says', () => {
    expect(idle({}, { idle: 'poll' })).toBe('poll')
    expect(idle({ allowed: [1, 2] }, { idle: 'ramp' })).toBe('ramp')
    expect(config({ idle: 'ramp' }).idle).toBe('ramp')
  })
})
