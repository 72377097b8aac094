import { describe, expect, it } from 'vitest'
import type { PciDevice } from '../../../src/environment/types.js'
import { decision, machine, netdev, plan, promised, refusal, vf } from './fixtures.js'

const [first, second] = ['0000:3b:02.4', '0000:3b:02.5']
const accelerator = { network: false, vendor: '8086', device: '0d5d' }
const management = { driver: 'iavf', netdevs: ['mgmt0'] }

function pod(one: Partial<PciDevice>, other: Partial<PciDevice>) {
  return machine({
    devicePlugin: [promised('PCIDEVICE_A', first), promised('PCIDEVICE_B', second)],
    pciDevices: [vf(first, one), vf(second, other)],
    netdevs: [netdev('lo', { kind: 'loopback' }), netdev('mgmt0')],
  })
}
const taken = (environment: ReturnType<typeof pod>, settings: Record<string, string> = {}) =>
  plan(settings, environment).ports.map(({ devargs }) => devargs)

describe('of the promised devices', () => {
  it('one that is no network device is no port, and the plan says so', () => {
    const environment = pod(accelerator, {})
    expect(taken(environment)).toEqual([second])
    expect(taken(environment, { ports: '[{}]' })).toEqual([second])
    expect(decision(plan({}, environment), `device ${first}`)).toMatchObject({
      level: 'info',
      choice: 'no port',
      reason: 'PCIDEVICE_A names it, and it is no network device (8086:0d5d on vfio-pci)',
    })
  })

  it('one whose class nobody tells is a port', () => {
    expect(taken(pod({ network: null }, {}))).toEqual([first, second])
  })

  it('one with a netdev of this pod is left to the kernel when another suits DPDK, with a warning', () => {
    const environment = pod(management, {})
    expect(taken(environment)).toEqual([second])
    const said = decision(plan({}, environment), `device ${first}`)
    expect(said).toMatchObject({ level: 'warning', choice: 'left to the kernel' })
    expect(said?.reason).toMatch(/PCIDEVICE_A names it, its netdev mgmt0 is in this pod.*ports\[\]\.device/)
  })

  it.each([
    ['nothing better is there', management, { driver: 'iavf' }],
    ['the better one is no network device', management, accelerator],
    ['its netdev is in another namespace', { ...management, netdevs: ['eth7'] }, {}],
    ['its driver is bifurcated', { ...management, driver: 'mlx5_core' }, {}],
  ])('one with a kernel driver is a port when %s', (_, one, other) => {
    expect(taken(pod(one, other))).toContain(first)
  })

  it('one that ports[].device names is a port whatever it is', () => {
    const settings = { ports: `[{ device: "${first}" }, {}]` }
    expect(taken(pod(management, {}), settings)).toEqual([first, second])
    expect(decision(plan(settings, pod(management, {})), `device ${first}`)).toBeUndefined()
  })

  it('none is a port when none is a network device', () => {
    const error = refusal(() => plan({}, pod(accelerator, accelerator)))
    expect(error.message).toBe(
      'port vf0: need a device, found no further device for a port in PCIDEVICE_A, PCIDEVICE_B',
    )
  })
})
