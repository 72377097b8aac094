import { describe, expect, it } from 'vitest'
import type { Environment, Netdev } from '../../../src/environment/types.js'
import { needsNetworkStatus } from '../../../src/plan/network-status.js'
import { config, machine, netdev, nullPort, promised, tap, vf } from './fixtures.js'

const address = '0000:3b:02.4'
const requested = [{ network: 'ns/vf', netdev: null, mac: null, ips: [] }]

function pod(netdevs: Netdev[], changes: Partial<Environment['pod']> = {}, driver = 'vfio-pci'): Environment {
  return machine({
    devicePlugin: [promised('PCIDEVICE_X', address)],
    pciDevices: [vf(address, { driver, netdevs: driver === 'vfio-pci' ? [] : ['net1'] })],
    netdevs,
    pod: { ...machine().pod, kubernetes: true, podnetinfo: true, requested, ...changes },
  })
}

describe('network-status is waited for', () => {
  it('by run when only a MAC address tells which of several taps is the port’s', () => {
    expect(needsNetworkStatus(config(), pod([tap('a'), tap('b')]))).toBe(true)
  })

  it('by run also when there is an ext0 among them, which may be that of another container', () => {
    expect(needsNetworkStatus(config(), pod([tap('ext0'), tap('ext1')]))).toBe(true)
  })

  it('by exec also when there is one tap, for the MAC address of a VF without a netdev', () => {
    expect(needsNetworkStatus(config(), pod([tap('ext0')]), 'exec')).toBe(true)
  })
})

describe('network-status is not waited for', () => {
  const two = [tap('a'), tap('b')]
  it.each([
    ['it is there', pod(two, { status: [] })],
    ['the pod asked for no networks', pod(two, { requested: null })],
    ['nothing is mounted that could tell', pod(two, { podnetinfo: false })],
    ['the tap of the port is named', pod(two), { ports: '[{ exception: { tap: b } }]' }],
    ['there is one tap', pod([tap('a')])],
    ['the VF has a netdev with its address', pod([...two, netdev('net1', { pciAddress: address })], {}, 'mlx5_core')],
  ])('by run when %s', (_, environment, settings: Record<string, string> = {}) => {
    expect(needsNetworkStatus(config(settings), environment)).toBe(false)
  })

  it.each(['run', 'exec'] as const)('by %s for a vdev', (purpose) => {
    expect(needsNetworkStatus(config(nullPort), pod(two), purpose)).toBe(false)
  })

  it('without a kernel path', () => {
    const none = config({ ports: '[{ exception: { backend: none } }]' })
    expect(needsNetworkStatus(none, pod(two), 'exec')).toBe(false)
  })
})
