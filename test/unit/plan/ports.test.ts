import { describe, expect, it } from 'vitest'
import type { DeviceNode } from '../../../src/environment/types.js'
import {
  decision,
  machine,
  missingDevice,
  netdev,
  plan,
  promised,
  refusal,
  refusedDevice,
  tap,
  usableDevice,
  vf,
} from './fixtures.js'

const pod = machine({
  devicePlugin: [promised('PCIDEVICE_X', '0000:3b:02.4', '0000:3b:02.5')],
  pciDevices: [vf('0000:3b:02.4'), vf('0000:3b:02.5'), vf('0000:3b:02.6')],
})

describe('devices', () => {
  it('refuses a pod without a device, and says how to get one', () => {
    const error = refusal(() => plan({}))
    expect(error).toMatchObject({ code: 'ERR_DEVICE', exitCode: 69 })
    expect(error.message).toBe('port vf0: need a device, found no PCIDEVICE_… variable')
    expect(error.hint).toContain('SR-IOV device plugin')
  })

  it('refuses a port more than the device plugin gave devices', () => {
    const error = refusal(() => plan({ ports: '[{}, {}, {}]' }, pod))
    expect(error.message).toBe('port vf2: need a device, found no further address in PCIDEVICE_X')
  })

  it('refuses an af_packet port on a netdev that does not exist', () => {
    const error = refusal(() => plan({ ports: '[{ device: "net_af_packet0,iface=vf9,qpairs=1" }]' }))
    expect(error.code).toBe('ERR_DEVICE')
    expect(error.message).toBe('port vf0: need the netdev vf9 for net_af_packet0, found lo, eth0, vf0, ext0')
  })

  it('refuses a PCI device that is not there', () => {
    const error = refusal(() => plan({ ports: '[{ device: "0000:3b:03.0" }]' }, pod))
    expect(error.message).toBe('port vf0: need the PCI device 0000:3b:03.0, found 3 other PCI devices')
  })

  it('finds a PCI device by its short address and with options behind it', () => {
    const made = plan({ ports: '[{ device: "3B:02.6,representor=1" }]' }, pod)
    expect(made.ports[0]?.devargs).toBe('3B:02.6,representor=1')
  })

  it('makes a port of each promised device when no port is listed', () => {
    expect(plan({}, pod).ports.map(({ name, devargs }) => `${name} ${devargs}`)).toEqual([
      'vf0 0000:3b:02.4',
      'vf1 0000:3b:02.5',
    ])
  })

  it('does not give away a promised device that another port names', () => {
    const made = plan({ ports: '[{}, { device: "0000:3b:02.4" }]' }, pod)
    expect(made.ports.map(({ devargs }) => devargs)).toEqual(['0000:3b:02.5', '0000:3b:02.4'])
  })
})

describe('the exception path', () => {
  const [usable, missing, refused] = [usableDevice, missingDevice, refusedDevice]
  const [vhost, tun] = ['/dev/vhost-net', '/dev/net/tun']
  const host = (vhostNet: DeviceNode, tunAccess: DeviceNode, netdevs = machine().netdevs) =>
    machine({ devices: { ...machine().devices, vhostNet, tun: tunAccess }, netdevs })
  const port = (exception = '{}') => ({ ports: `[{ device: net_null0, exception: ${exception} }]` })
  const exceptionOf = (settings: Record<string, string>, environment = machine()) =>
    plan(settings, environment).ports[0]?.exception

  it('refuses a named tap that does not exist', () => {
    const error = refusal(() => plan(port('{ tap: ext7 }')))
    expect(error).toMatchObject({ code: 'ERR_TAP_MISSING', exitCode: 69 })
    expect(error.message).toBe('port vf0: need the tap ext7 in this network namespace, found lo, eth0, vf0, ext0')
    expect(error.hint).toContain('ip tuntap add dev ext7 mode tap user 1001')
  })

  it('refuses a named backend without a tap', () => {
    expect(refusal(() => plan(port('{ backend: tap }'), machine({ netdevs: [netdev('lo')] }))).code).toBe(
      'ERR_TAP_MISSING',
    )
  })

  it('refuses vhost-net when it cannot be opened, with the reason', () => {
    const error = refusal(() => plan(port('{ backend: vhost-net }'), host(refused(vhost), usable(tun))))
    expect(error).toMatchObject({ code: 'ERR_VHOST_NET', exitCode: 69 })
    expect(error.message).toContain('/dev/vhost-net cannot be opened (EACCES)')
  })

  it.each(['{ backend: tap }', '{ backend: vhost-net }', '{ tap: ext0 }'])(
    'refuses %s without /dev/net/tun',
    (exception) => {
      const error = refusal(() => plan(port(exception), host(usable(vhost), missing(tun))))
      expect(error).toMatchObject({ code: 'ERR_TUN', exitCode: 69 })
      expect(error.message).toContain('there is no /dev/net/tun')
    },
  )

  it('is vhost-net when both devices can be opened', () => {
    expect(exceptionOf(port(), host(usable(vhost), usable(tun)))).toMatchObject({ backend: 'vhost-net', tap: 'ext0' })
  })

  it('is the tap itself when only /dev/net/tun can be opened', () => {
    const made = plan(port(), host(refused(vhost), usable(tun)))
    expect(made.ports[0]?.exception).toMatchObject({ backend: 'tap', tap: 'ext0' })
    expect(decision(made, 'port vf0 exception path')?.reason).toBe(
      '/dev/vhost-net cannot be opened (EACCES); ext0 exists',
    )
  })

  it.each([
    ['neither device can be opened', host(missing(vhost), missing(tun)), 'there is no /dev/net/tun'],
    [
      'there is no tap',
      host(usable(vhost), usable(tun), [netdev('lo'), netdev('eth0')]),
      'there is no tap: ext0 is not among lo, eth0',
    ],
  ])('is none when %s and nobody asked for one, with a warning', (_, environment, reason) => {
    const made = plan(port(), environment)
    expect(made.ports[0]?.exception).toMatchObject({ backend: 'none', tap: '' })
    expect(decision(made, 'port vf0 exception path')).toMatchObject({ level: 'warning' })
    expect(decision(made, 'port vf0 exception path')?.reason).toContain(reason)
  })

  it('is none without a warning when the configuration says so', () => {
    const made = plan(port('{ backend: none }'))
    expect(decision(made, 'port vf0 exception path')).toMatchObject({ choice: 'none', level: 'info' })
  })

  it('takes ext0 for the first port and ext1 for the second', () => {
    const environment = machine({ netdevs: [tap('ext0'), tap('ext1')] })
    const made = plan({ ports: '[{ device: net_null0 }, { device: net_null1 }]' }, environment)
    expect(made.ports.map(({ exception }) => exception.tap)).toEqual(['ext0', 'ext1'])
  })

  it.each([
    [port(), 'then the built-ins and local, then forward'],
    [port('{ backend: none }'), 'no built-ins, since no port has an exception path, then forward'],
    [{ ...port(), 'exceptionPath.builtins': 'false' }, 'no built-ins, then forward'],
  ])('decides which rules there will be: %j', (settings, words) => {
    expect(decision(plan(settings), 'rules')?.reason).toBe(`${words}; the first that matches decides`)
  })

  it('warns of rules to the kernel when no port has one', () => {
    const rules = '[{ name: bgp, match: "tcp port 179", to: kernel }, { name: dns, match: "port 53", to: drop }]'
    const made = plan({ ...port(), rules }, machine({ netdevs: [] }))
    expect(decision(made, 'rules to the kernel')).toMatchObject({ level: 'warning', choice: 'bgp' })
  })
})

describe('peers', () => {
  const peers = (count: number, settings: Record<string, string> = {}) => {
    const ports = Array.from({ length: count }, (_, index) => `{ device: net_null${index} }`)
    return plan({ ports: `[${ports.join(', ')}]`, ...settings }).ports.map(({ peer }) => peer)
  }

  it("are testpmd's neighbours, and a port left alone is its own", () => {
    expect(peers(1)).toEqual([0])
    expect(peers(2)).toEqual([1, 0])
    expect(peers(5)).toEqual([1, 0, 3, 2, 4])
  })

  it('are what the pairs say, and ports in no pair are their own', () => {
    expect(peers(4, { 'forwarding.pairs': '[[vf0, vf3]]' })).toEqual([3, 1, 2, 0])
    expect(peers(2, { 'forwarding.pairs': '[[vf0, vf0]]' })).toEqual([0, 1])
  })
})

describe('forwarding', () => {
  const two = { ports: '[{ device: net_null0 }, { device: net_null1 }]' }
  const a = 'vf0: "50:00:00:00:00:01"'
  const b = 'vf1: "50:00:00:00:00:02"'

  it('is rxonly without next hops', () => expect(plan(two).forwarding.mode).toBe('rxonly'))

  it('is mac between two ports that both have a next hop', () => {
    const made = plan({ ...two, 'forwarding.ethPeer': `{ ${a}, ${b} }` })
    expect(made.forwarding.mode).toBe('mac')
    expect(made.ports.map(({ ethPeer }) => ethPeer)).toEqual(['50:00:00:00:00:01', '50:00:00:00:00:02'])
  })

  it('is rxonly with one next hop of two, with a warning', () => {
    const made = plan({ ...two, 'forwarding.ethPeer': `{ ${a} }` })
    expect(made.forwarding.mode).toBe('rxonly')
    expect(decision(made, 'forwarding')?.level).toBe('warning')
  })

  it("writes testpmd's made-up next hop where mac has none, with a warning", () => {
    const made = plan({ ...two, 'forwarding.mode': 'mac', 'forwarding.ethPeer': `{ ${a} }` })
    expect(made.ports.map(({ ethPeer }) => ethPeer)).toEqual(['50:00:00:00:00:01', '02:00:00:00:00:01'])
    expect(decision(made, 'port vf1 next hop')?.level).toBe('warning')
  })
})
