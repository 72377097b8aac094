import { describe, expect, it } from 'vitest'
import type { Environment } from '../../../src/environment/types.js'
import { vhostWorkersAreOurs } from '../../../src/plan/vhost.js'
import { decision, machine, plan, refusal, usableDevice } from './fixtures.js'

const onVhostNet = { ports: '[{ device: net_null0, exception: { backend: vhost-net } }]', lcores: '2' }
const subject = 'vhost workers'

function host(release: string, cpus: Partial<Environment['cpus']> = {}): Environment {
  const made = machine()
  return {
    ...made,
    cpus: { ...made.cpus, ...cpus },
    kernel: { ...made.kernel, release },
    devices: { ...made.devices, vhostNet: usableDevice('/dev/vhost-net') },
  }
}

describe('vhost workers', () => {
  it('run on the housekeeping CPUs', () => {
    const made = plan(onVhostNet, host('6.12.1'))
    expect(made.vhost.cpus).toEqual([0, 1, 3])
    expect(decision(made, subject)).toMatchObject({ choice: 'CPUs 0-1,3', level: 'info' })
  })

  it('run where vhostCpus says', () => {
    const made = plan({ ...onVhostNet, vhostCpus: '1,3' }, host('6.12.1'))
    expect(made.vhost.cpus).toEqual([1, 3])
    expect(decision(made, subject)).toMatchObject({
      choice: 'CPUs 1,3',
      reason: 'vhostCpus says so',
      level: 'info',
    })
  })

  it('get one CPU each where the scheduler moves nothing', () => {
    const made = plan(onVhostNet, host('6.12.1', { loadBalancing: false }))
    expect(decision(made, subject)?.reason).toContain('one each in turn')
  })

  it('may share a polling CPU when told to, with a warning', () => {
    const made = plan({ ...onVhostNet, vhostCpus: '0,2' }, host('6.12.1'))
    expect(made.vhost.cpus).toEqual([0, 2])
    expect(decision(made, subject)).toMatchObject({ level: 'warning' })
    expect(decision(made, subject)?.reason).toContain('on 2 they take turns with a polling lcore')
  })

  it("are the host's before Linux 6.4, and a setting that does nothing is a warning", () => {
    const made = plan(onVhostNet, host('6.1.0-25-amd64'))
    expect(decision(made, subject)).toMatchObject({ choice: "the host's", level: 'info' })
    expect(decision(made, subject)?.reason).toContain('Linux 6.1.0-25-amd64 is older than 6.4')
    const asked = plan({ ...onVhostNet, vhostCpus: '1' }, host('6.1.0-25-amd64'))
    expect(decision(asked, subject)).toMatchObject({ level: 'warning' })
    expect(decision(asked, subject)?.reason).toContain('vhostCpus has no effect')
  })

  it('are not spoken of when no port has any', () => {
    expect(decision(plan({ ports: '[{ device: net_null0 }]' }, host('6.12.1')), subject)?.choice).toBeDefined()
    expect(decision(plan({ ports: '[{ device: net_null0, exception: { backend: tap } }]' }), subject)).toBeUndefined()
  })

  it('cannot run on a CPU that is not allowed', () => {
    const error = refusal(() => plan({ ...onVhostNet, vhostCpus: '1,7' }, host('6.12.1')))
    expect(error.code).toBe('ERR_CPUS')
    expect(error.message).toBe('vhostCpus: need CPUs 1,7, but 7 may not be used; allowed are 0-3')
  })

  it.each([
    ['5.14.0-427.el9.x86_64', false],
    ['6.3.13', false],
    ['6.4.0', true],
    ['6.18.44-fc', true],
    ['7.0.0', true],
    ['unknown', null],
  ])('of Linux %s are threads of ours: %s', (release, ours) => {
    expect(vhostWorkersAreOurs(release)).toBe(ours)
  })
})
