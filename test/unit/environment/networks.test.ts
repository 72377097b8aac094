import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readNetworkRequests, readNetworkStatus } from '../../../src/environment/networks.js'

describe('readNetworkRequests', () => {
  it('reads a JSON list', () => {
    const text =
      '[{"name":"sriov","namespace":"cnf","interface":"net1","mac":"50:00:00:00:00:0A","ips":["10.0.0.2/24"]}]'
    expect(readNetworkRequests(text)).toEqual([
      { network: 'cnf/sriov', netdev: 'net1', mac: '50:00:00:00:00:0a', ips: ['10.0.0.2/24'] },
    ])
  })

  it('reads names with commas', () => {
    expect(readNetworkRequests('cnf/sriov@net1, tap , cnf/vlan@ext0.100')).toEqual([
      { network: 'cnf/sriov', netdev: 'net1', mac: null, ips: [] },
      { network: 'tap', netdev: null, mac: null, ips: [] },
      { network: 'cnf/vlan', netdev: 'ext0.100', mac: null, ips: [] },
    ])
  })

  it('leaves out a field that cannot be, and keeps the rest', () => {
    const text = '[{"name":"n","interface":"a name that is far too long","mac":7,"ips":"10.0.0.2"}]'
    expect(readNetworkRequests(text)).toEqual([{ network: 'n', netdev: null, mac: null, ips: ['10.0.0.2'] }])
  })

  it.each(['', ' ', '[{"namespace":"x"}]', '{"name":"x"}', '[', 'a,,b', 'a b', 'A_B', `${'a,'.repeat(300)}a`])(
    'cannot read %.30j',
    (text) => {
      expect(readNetworkRequests(text)).toBeUndefined()
    },
  )

  it('never throws', () => {
    fc.assert(fc.property(fc.oneof(fc.string(), fc.json()), (text) => [readNetworkRequests(text)].length === 1))
  })
})

describe('readNetworkStatus', () => {
  const statusOf = (entry: unknown) => readNetworkStatus(JSON.stringify([entry]))?.[0]

  it('reads what Multus writes', () => {
    const entry = {
      name: 'cnf/sriov',
      interface: 'net1',
      ips: ['10.0.0.2'],
      mac: '50:00:00:00:00:01',
      mtu: 9000,
      dns: {},
      'device-info': { type: 'pci', version: '1.1.0', pci: { 'pci-address': '0000:3B:02.4', 'rdma-device': 'mlx5_2' } },
    }
    expect(statusOf(entry)).toEqual({
      network: 'cnf/sriov',
      netdev: 'net1',
      mac: '50:00:00:00:00:01',
      mtuBytes: 9000,
      ips: ['10.0.0.2'],
      default: false,
      device: { type: 'pci', pciAddress: '0000:3b:02.4', rdmaDevice: 'mlx5_2', path: null },
    })
  })

  it.each([
    [{ type: 'vhost-user', 'vhost-user': { mode: 'client', path: '/run/sock' } }, { path: '/run/sock' }],
    [{ type: 'memif', memif: { role: 'master', path: '/run/memif' } }, { path: '/run/memif' }],
    [
      { type: 'vdpa', vdpa: { 'pci-address': '0000:3b:02.4', path: '/dev/vhost-vdpa-1' } },
      { path: '/dev/vhost-vdpa-1' },
    ],
    [{ type: 'pci', pci: { 'pci-address': '/etc/passwd' } }, { pciAddress: null }],
    [
      { type: 'pci', pci: 'x' },
      { type: 'pci', pciAddress: null },
    ],
  ])('reads the device %j', (info, device) => {
    expect(statusOf({ name: 'n', 'device-info': info })?.device).toMatchObject(device)
  })

  it.each(['', '{}', '[{}]', '[{"name":7}]', '[null]', `[${'{"name":"n"},'.repeat(300)}{"name":"n"}]`])(
    'cannot read %.30j',
    (text) => {
      expect(readNetworkStatus(text)).toBeUndefined()
    },
  )

  it('takes fields of other types for unsaid', () => {
    const entry = { name: 'n', interface: 'a/b', mac: 'x', mtu: 1e9, ips: [7], default: 'yes', 'device-info': 7 }
    expect(statusOf(entry)).toEqual({
      network: 'n',
      netdev: null,
      mac: null,
      mtuBytes: null,
      ips: [],
      default: false,
      device: null,
    })
  })

  it('never throws', () => {
    fc.assert(fc.property(fc.oneof(fc.string(), fc.json()), (text) => [readNetworkStatus(text)].length === 1))
  })
})
