import { describe, expect, it } from 'vitest'
import type { Environment, Netdev, NetworkStatus } from '../../../src/environment/types.js'
import { decision, machine, netdev, plan, promised, refusal, tap, vf } from './fixtures.js'

const [first, second] = ['0000:3b:02.4', '0000:3b:02.5']
const one = '02:00:00:00:00:01'
const two = '02:00:00:00:00:02'

function status(network: string, address: string | null, changes: Partial<NetworkStatus> = {}): NetworkStatus {
  const device = address === null ? null : { type: 'pci', pciAddress: address, rdmaDevice: null, path: null }
  return { network, netdev: 'net1', mac: null, mtuBytes: null, ips: [], default: false, device, ...changes }
}

function pod(netdevs: Netdev[], statuses: NetworkStatus[] | null = null, changes: Partial<Environment> = {}) {
  return machine({
    devicePlugin: [promised('PCIDEVICE_X', first, second)],
    pciDevices: [vf(first), vf(second)],
    netdevs: [netdev('lo', { kind: 'loopback' }), ...netdevs],
    pod: { ...machine().pod, kubernetes: true, podnetinfo: true, status: statuses },
    ...changes,
  })
}
const withMac = (name: string, mac: string) => ({ ...tap(name), mac })
const taps = (environment: Environment, settings: Record<string, string> = {}) =>
  plan(settings, environment).ports.map(({ exception }) => exception.tap)

describe('a tap', () => {
  it('is the one that exception.tap names, whatever else speaks for another', () => {
    const settings = { ports: '[{ exception: { tap: b } }, {}]' }
    expect(taps(pod([withMac('a', one), tap('b')], [status('n', first, { mac: one })]), settings)).toEqual(['b', 'a'])
  })

  it('is ext0 for the first port and ext1 for the second', () => {
    const environment = pod([tap('ext1'), tap('ext0')])
    expect(taps(environment)).toEqual(['ext0', 'ext1'])
    expect(decision(plan({}, environment), 'port vf0 exception path')?.reason).toContain('ext0 exists')
  })

  it('is the one with the MAC address of the VF, whatever the names say', () => {
    const crossed = pod(
      [withMac('ext0', two), withMac('ext1', one)],
      [status('n', first, { mac: one }), status('m', second, { mac: two })],
    )
    expect(taps(crossed)).toEqual(['ext1', 'ext0'])
    const made = plan({}, crossed)
    expect(decision(made, 'port vf0 exception path')?.reason).toContain(
      `its MAC address is the device's, ${one}, though there is ext0`,
    )
    expect(decision(made, 'port vf0 pair')).toBeUndefined()
    expect(decision(made, 'port vf0 MAC')).toBeUndefined()
  })

  it('is not the same for the VFs of two containers of a pod', () => {
    const statuses = [status('n', first, { mac: one }), status('m', second, { mac: two })]
    const netdevs = [withMac('ext0', one), withMac('ext1', two)]
    const containers = [first, second].map((address) =>
      pod(netdevs, statuses, { devicePlugin: [promised('PCIDEVICE_X', address)] }),
    )
    expect(containers.flatMap((container) => taps(container))).toEqual(['ext0', 'ext1'])
  })

  it('is the one of its position when the one with the MAC address is in use', () => {
    const used = { ...withMac('ext1', one), carrier: true }
    const single = { devicePlugin: [promised('PCIDEVICE_X', first)] }
    expect(taps(pod([withMac('ext0', two), used], [status('n', first, { mac: one })], single))).toEqual(['ext0'])
  })

  it('that another port names is a warning when its MAC address is not that port’s', () => {
    const settings = { ports: '[{ exception: { tap: ext0 } }, { exception: { tap: ext1 } }]' }
    const crossed = pod(
      [withMac('ext0', two), withMac('ext1', one)],
      [status('n', first, { mac: one }), status('m', second, { mac: two })],
    )
    const made = plan(settings, crossed)
    expect(decision(made, 'port vf0 pair')).toMatchObject({ choice: 'ext0', level: 'warning' })
    expect(decision(made, 'port vf0 pair')?.reason).toContain(`MAC address ${two} is that of port vf1`)
  })

  it('is the one with the MAC address of the VF when names say nothing', () => {
    const environment = pod(
      [withMac('tapb', two), withMac('tapa', one)],
      [status('n', first, { mac: one.toUpperCase() }), status('m', second, { mac: two })],
    )
    expect(taps(environment)).toEqual(['tapa', 'tapb'])
    const made = plan({}, environment)
    expect(decision(made, 'port vf0 exception path')?.reason).toContain(`its MAC address is the device's, ${one}`)
    expect(decision(made, 'pairs of port and tap')).toBeUndefined()
    expect(made.ports.map(({ network, mac }) => `${network} ${mac}`)).toEqual([`n ${one}`, `m ${two}`])
  })

  it('is the next one in their order when nothing else tells, with a warning', () => {
    const made = plan({}, pod([tap('tapx'), tap('tapy')]))
    expect(made.ports.map(({ exception }) => exception.tap)).toEqual(['tapx', 'tapy'])
    expect(decision(made, 'pairs of port and tap')).toMatchObject({ choice: 'vf0–tapx, vf1–tapy', level: 'warning' })
  })

  it('is the only one there is, without a warning', () => {
    const alone = pod([tap('tapx')], null, { devicePlugin: [promised('PCIDEVICE_X', first)] })
    expect(taps(alone)).toEqual(['tapx'])
    expect(decision(plan({}, alone), 'pairs of port and tap')).toBeUndefined()
  })

  it.each([
    ['is in use', { ...tap('tapx'), carrier: true }],
    ["is somebody else's", tap('tapx', { owner: 0 })],
    ['ends with its program', tap('tapx', { persistent: false })],
    ['is a tun', netdev('tapx', { kind: 'tun' })],
  ])('is not guessed when it %s', (_, other) => {
    expect(taps(pod([other]))).toEqual(['', ''])
  })

  it('is not guessed on a bare host, where it may be anybody’s', () => {
    expect(taps(pod([tap('tapx')], null, { pod: machine().pod }))).toEqual(['', ''])
  })
})

describe('a tap that is not ours to take', () => {
  const settings = (exception: string) => ({ ports: `[{ device: net_null0, exception: ${exception} }]` })
  const refused = (other: Netdev, exception = '{}') =>
    refusal(() => plan(settings(exception), machine({ netdevs: [other] })))

  it('is refused for its owner', () => {
    const error = refused(tap('ext0', { owner: 0 }))
    expect(error.code).toBe('ERR_TAP_OWNER')
    expect(error.message).toBe('port vf0: need tap ext0 to be ours (uid 1001, groups 1001), found owner 0')
    expect(error.hint).toContain('"owner": 1001 and "group": 1001')
  })

  it('is refused for its group, also when the owner is right', () => {
    expect(refused(tap('ext0', { owner: 1001, group: 0 })).message).toContain('found owner 1001 and group 0')
  })

  it('is refused as single-queue when more queues are asked for', () => {
    const error = refused(tap('ext0', { multiQueue: false }), '{ queues: 2 }')
    expect(error.code).toBe('ERR_TAP_QUEUES')
    expect(error.message).toBe('port vf0: need 2 queues of tap ext0, found that it was made with one')
  })

  it('is refused when it is no tap', () => {
    const error = refused(netdev('ext0', { kind: 'veth' }))
    expect(error.code).toBe('ERR_TAP_NOT_A_TAP')
    expect(error.message).toBe('port vf0: need a tap named ext0, found a netdev of kind veth')
  })

  it('is left to the kernel to judge when sysfs shows another namespace', () => {
    const unknown = netdev('ext0', { kind: 'unknown', mac: null, mtuBytes: null, up: null, carrier: null })
    expect(plan(settings('{ queues: 2 }'), machine({ netdevs: [unknown] })).ports[0]?.exception.tap).toBe('ext0')
  })

  it.each([
    ['a supplementary group is its group', tap('ext0', { group: 2005 }), { groups: [2005] }],
    ['it is nobody’s', tap('ext0'), {}],
    [
      'CAP_NET_ADMIN is effective',
      tap('ext0', { owner: 0 }),
      { capabilities: { ...machine().process.capabilities, effective: ['CAP_NET_ADMIN'] } },
    ],
  ])('is taken when %s', (_, other, process) => {
    const environment = machine({ netdevs: [other], process: { ...machine().process, ...process } })
    expect(plan(settings('{}'), environment).ports[0]?.exception.tap).toBe('ext0')
  })
})

describe('what device, network-status and tap say of a port', () => {
  const single = { devicePlugin: [promised('PCIDEVICE_X', first)] }

  it('is a warning when the tap has another MAC address than the VF', () => {
    const made = plan({}, pod([withMac('ext0', two)], [status('n', first, { mac: one })], single))
    expect(made.ports[0]?.mac).toBe(one)
    expect(decision(made, 'port vf0 MAC')).toMatchObject({ choice: one, level: 'warning' })
  })

  it.each([
    ['for the only VF by the attachment without a netdev', single, 'n', one],
    ['for one VF of two not at all', {}, null, two],
  ])('is found without device-info %s', (_, given, network, mac) => {
    const statuses = [status('t', null, { netdev: 'ext0' }), status('n', null, { netdev: 'net1', mac: one })]
    const made = plan({}, pod([withMac('ext0', two)], statuses, given))
    expect(made.ports[0]).toMatchObject({ network, mac })
  })

  it('is found without device-info by the netdev of a bifurcated VF', () => {
    const net1 = netdev('net1', { mac: one, pciAddress: first })
    const made = plan({}, pod([net1], [status('n', null, { netdev: 'net1' }), status('m', null, { netdev: 'net2' })]))
    expect(made.ports.map(({ network }) => network)).toEqual(['n', null])
  })

  it('is not what an annotation smuggles into devargs', () => {
    const made = plan({}, pod([], [status('n', first, { mac: '02:00:00:00:00:01,path=/dev/x' })], single))
    expect(made.ports[0]?.mac).toBeNull()
  })

  it('is the address of the tap when nobody else says one', () => {
    expect(plan({}, pod([withMac('ext0', two)], null, single)).ports[0]).toMatchObject({ mac: two, network: null })
    expect(plan({}, pod([], null, single)).ports[0]?.mac).toBeNull()
  })

  it('is a warning when the tap has a larger MTU than the VF', () => {
    const made = plan({}, pod([{ ...tap('ext0'), mtuBytes: 9000 }], [status('n', first, { mtuBytes: 1500 })], single))
    expect(decision(made, 'port vf0 MTU')).toMatchObject({ choice: '1500 bytes', level: 'warning' })
    expect(made.ports[0]?.mtuBytes).toBe(0)
  })

  it('gives the VF the MTU of a jumbo tap when nobody says what the VF has, and mbufs to match', () => {
    const made = plan({}, pod([{ ...tap('ext0'), mtuBytes: 9000 }], null, single))
    expect(made.ports[0]?.mtuBytes).toBe(9000)
    expect(made.memory.dataRoomBytes).toBe(9216)
  })

  const bifurcated = (changes: Partial<Netdev>, address = '10.1.0.2/24') =>
    pod(
      [
        { ...tap('ext0'), addresses: [] },
        netdev('ext0.5', { kind: 'vlan', parent: 'ext0', addresses: [address] }),
        netdev('net1', { mac: one, pciAddress: first, ...changes }),
      ],
      null,
      { ...single, pciDevices: [vf(first, { driver: 'mlx5_core', netdevs: ['net1'] })] },
    )

  it.each([
    ['an address', { addresses: ['10.1.0.9/16'] }],
    ['a route', { routes: ['10.1.0.0/25'] }],
  ])('is a warning when the netdev of a bifurcated VF has %s in a network of the tap', (_, changes) => {
    const made = plan({}, bifurcated(changes))
    expect(decision(made, 'port vf0 netdev net1')).toMatchObject({ level: 'warning' })
    expect(decision(made, 'port vf0 netdev net1')?.reason).toContain('ARP is answered twice')
  })

  it.each([
    [{ addresses: ['10.2.0.9/16'], routes: ['0.0.0.0/0'] }, '10.1.0.2/24'],
    [{ addresses: ['fe80::1/64', '2001:db8:1::1/64'] }, '2001:db8:2::1/64'],
  ])('is no warning for other networks, default routes and link-local addresses', (changes, address) => {
    expect(decision(plan({}, bifurcated(changes, address)), 'port vf0 netdev net1')).toBeUndefined()
  })

  it('sees IPv6 networks in common too', () => {
    const made = plan({}, bifurcated({ addresses: ['2001:db8:2::9/48'] }, '2001:db8:2::1/64'))
    expect(decision(made, 'port vf0 netdev net1')?.level).toBe('warning')
  })
})

describe('several containers of one resource', () => {
  it('are a note when network-status lists VFs of the others too', () => {
    const mine = { devicePlugin: [promised('PCIDEVICE_X', first)] }
    const made = plan({}, pod([tap('ext0')], [status('n', first), status('m', second)], mine))
    expect(made.ports).toHaveLength(1)
    expect(decision(made, 'devices of this container')).toMatchObject({ level: 'info' })
  })

  it('are a warning when network-status does not know the VF that we were given', () => {
    const mine = { devicePlugin: [promised('PCIDEVICE_X', first)] }
    const made = plan({}, pod([tap('ext0')], [status('m', second)], mine))
    expect(decision(made, 'devices of this container')).toMatchObject({ level: 'warning' })
    expect(decision(made, 'devices of this container')?.reason).toContain(`no network is configured on ${first}`)
  })
})
