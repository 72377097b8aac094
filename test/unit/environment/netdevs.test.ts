import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { formatIpv4, ipv4OfHex, ipv6OfHex, parseIpv4, prefixLength } from '../../../src/environment/ip-text.js'
import { discoverOn } from './made-host.js'

const dev = (...names: string[]) => ({
  'proc/self/net/dev': ['Inter-|', ' face |', ...names.map((n) => ` ${n}: 0 0`)].join('\n'),
})
const sysfs = (name: string, entries: Record<string, string>) =>
  Object.fromEntries(Object.entries(entries).map(([key, text]) => [`sys/class/net/${name}/${key}`, `${text}\n`]))
const netdevOf = (files: Record<string, string>, links: Record<string, string> = {}) =>
  discoverOn({ files: { ...dev('x0'), ...files }, links }).netdevs[0]

describe('a netdev', () => {
  it('of another namespace’s sysfs has but its name', () => {
    const files = { ...dev('x0', 'vf0'), ...sysfs('x0', { address: '02:00:00:00:00:01', mtu: '1500' }) }
    expect(discoverOn({ files }).netdevs).toMatchObject([
      { name: 'x0', kind: 'unknown', mac: null, mtuBytes: null, up: null },
      { name: 'vf0', kind: 'unknown' },
    ])
  })

  it('is not unknown because of bonding_masters', () => {
    const files = { ...sysfs('x0', { address: '02:00:00:00:00:01' }), 'sys/class/net/bonding_masters': '' }
    expect(netdevOf(files)).toMatchObject({ kind: 'other', mac: '02:00:00:00:00:01' })
  })

  it.each([
    ['0x1002', { multiQueue: false, vnetHdr: false, persistent: false }, 'tap'],
    ['0x1902', { multiQueue: true, vnetHdr: false, persistent: true }, 'tap'],
    ['0x5902', { multiQueue: true, vnetHdr: true, persistent: true }, 'tap'],
    ['0x1001', { multiQueue: false, vnetHdr: false, persistent: false }, 'tun'],
  ])('with tun_flags %s is a tap as they say', (flags, tap, kind) => {
    const files = sysfs('x0', { tun_flags: flags, owner: '-1', group: '1001', flags: '0x1003', carrier: '0' })
    expect(netdevOf(files)).toMatchObject({ kind, tap: { ...tap, owner: null, group: 1001 }, up: true, carrier: false })
  })

  it.each([
    ['vlan', sysfs('x0', { uevent: 'DEVTYPE=vlan\nINTERFACE=x0', iflink: '3', ifindex: '5' })],
    ['macvlan', sysfs('x0', { uevent: 'DEVTYPE=macvlan\nINTERFACE=x0' })],
    ['bridge', sysfs('x0', { uevent: 'DEVTYPE=bridge', 'bridge/stp_state': '0' })],
    ['loopback', sysfs('x0', { type: '772' })],
    ['veth', sysfs('x0', { iflink: '9', ifindex: '5' })],
    ['other', sysfs('x0', { iflink: '5', ifindex: '5' })],
  ])('is a %s', (kind, files) => {
    expect(netdevOf(files)?.kind).toBe(kind)
  })

  it('knows what is below it, its bridge and its device', () => {
    const files = sysfs('x0', { uevent: 'DEVTYPE=vlan', 'brport/port_no': '0x1' })
    const net = 'sys/class/net/x0'
    const links = { [`${net}/lower_ext0`]: '../ext0', [`${net}/master`]: '../br0' }
    expect(netdevOf(files, links)).toMatchObject({ kind: 'vlan', parent: 'ext0', bridge: 'br0' })
    const device = { [`${net}/device`]: '../../../0000:3b:02.4', [`${net}/master`]: '../bond0' }
    expect(netdevOf(sysfs('x0', { mtu: '9000' }), device)).toMatchObject({
      kind: 'device',
      pciAddress: '0000:3b:02.4',
      mtuBytes: 9000,
      bridge: null,
    })
  })

  it('that is down has no carrier to tell', () => {
    expect(netdevOf(sysfs('x0', { flags: '0x1002', carrier: '1' }))).toMatchObject({ up: false, carrier: null })
  })
})

describe('addresses', () => {
  const header = 'Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\n'
  const route = (name: string, network: string, gateway = '00000000', mask = '00FFFFFF') =>
    `${name}\t${network}\t${gateway}\t0001\t0\t0\t0\t${mask}\t0\t0\t0\n`
  const leaf = (address: string) => `        |-- ${address}\n           /32 host LOCAL\n`
  const trie = (...addresses: string[]) =>
    `Main:\n${addresses.map(leaf).join('')}Local:\n${addresses.map(leaf).join('')}`
  const annotations = `k8s.v1.cni.cncf.io/network-status=${JSON.stringify(
    JSON.stringify([{ name: 'n/vf', interface: 'net1', ips: ['10.0.0.3'] }]),
  )}\n`
  const found = (files: Record<string, string>) =>
    Object.fromEntries(
      discoverOn({ files: { ...dev('ext0', 'net1'), ...files } }).netdevs.map(({ name, addresses, routes }) => [
        name,
        { addresses, routes },
      ]),
    )

  it('belong to the netdev with the connected route around them', () => {
    const files = {
      'proc/self/net/route':
        header +
        route('ext0', '0000000A') +
        route('net1', '00010A0A') +
        route('net1', '00000000', '010A0A0A', '00000000'),
      'proc/self/net/fib_trie': trie('10.0.0.2', '10.10.1.9'),
    }
    expect(found(files)).toEqual({
      ext0: { addresses: ['10.0.0.2/24'], routes: ['10.0.0.0/24'] },
      net1: { addresses: ['10.10.1.9/24'], routes: ['10.10.1.0/24', '0.0.0.0/0'] },
    })
  })

  it('do not belong to a netdev that only leads there by a gateway', () => {
    const files = {
      'proc/self/net/route': header + route('net1', '0000000A', '010A0A0A', '80FFFFFF') + route('ext0', '0000000A'),
      'proc/self/net/fib_trie': trie('10.0.0.2'),
    }
    expect(found(files)).toMatchObject({ ext0: { addresses: ['10.0.0.2/24'] }, net1: { addresses: [] } })
  })

  it('in a subnet of two netdevs are told apart by Multus, and left out where it does not say', () => {
    const files = {
      'proc/self/net/route': header + route('ext0', '0000000A') + route('net1', '0000000A'),
      'proc/self/net/fib_trie': trie('10.0.0.2', '10.0.0.3'),
      'etc/podnetinfo/annotations': annotations,
    }
    expect(found(files)).toEqual({
      ext0: { addresses: [], routes: ['10.0.0.0/24'] },
      net1: { addresses: ['10.0.0.3/24'], routes: ['10.0.0.0/24'] },
    })
  })

  it('of IPv6 carry their netdev, and multicast is no route', () => {
    const zeros = '0'.repeat(32)
    const row = (to: string, length: string, flags: string) =>
      `${to} ${length} ${zeros} 00 ${zeros} 00000100 00000001 00000000 ${flags}     ext0\n`
    const files = {
      'proc/self/net/if_inet6': 'fd000000000000000000000000000002 04 40 00 82     ext0\n',
      'proc/self/net/ipv6_route':
        row('fd000000000000000000000000000000', '40', '00000001') +
        row('fd000000000000000000000000000002', '80', '80200001') +
        row(`ff${'0'.repeat(30)}`, '08', '00000001') +
        row(zeros, '00', '00200200') +
        row(zeros, '00', '00000003'),
    }
    expect(found(files).ext0).toEqual({ addresses: ['fd00::2/64'], routes: ['fd00::/64', '::/0'] })
  })

  it('are none where a line is cut short', () => {
    const files = {
      'proc/self/net/route': `${header}ext0\nnet1\t0000000A\t00000000\t0001\t0\t0\t0\n`,
      'proc/self/net/fib_trie': trie('10.0.0.2'),
      'proc/self/net/if_inet6': 'fd000000000000000000000000000002 04 40 00 82\nxx 04 40 00 82 ext0\n',
      'proc/self/net/ipv6_route': `${'0'.repeat(32)} 40\n`,
    }
    expect(found(files)).toEqual({ ext0: { addresses: [], routes: [] }, net1: { addresses: [], routes: [] } })
  })

  it('are none, and nothing is thrown, when the files hold something else', () => {
    const words = fc.array(fc.oneof(fc.constantFrom('ext0', '|--', '/32 host LOCAL', '00000000'), fc.string()))
    const junk = words.map((each) => each.join('\t'))
    fc.assert(
      fc.property(junk, junk, junk, (a, b, c) => {
        const files = { 'proc/self/net/route': a, 'proc/self/net/fib_trie': b, 'proc/self/net/ipv6_route': c }
        expect(Object.keys(found(files))).toEqual(['ext0', 'net1'])
      }),
      { numRuns: 50 },
    )
  })
})

describe('the text of IP addresses', () => {
  it('of IPv4 is read back', () => {
    fc.assert(fc.property(fc.ipV4(), (text) => formatIpv4(parseIpv4(text) ?? 0) === text))
    expect(ipv4OfHex('0002000A')).toBe(parseIpv4('10.0.2.0'))
    expect(['1.2.3', '1.2.3.256', 'a.b.c.d', ''].map(parseIpv4)).toEqual([undefined, undefined, undefined, undefined])
  })

  it('of IPv6 is what a URL makes of it', () => {
    // Zeros are frequent in addresses, and where they stand decides.
    const word = fc.oneof(fc.constant('0000'), fc.constantFrom('0001', '0010', 'a000', 'ffff'))
    fc.assert(
      fc.property(fc.array(word, { minLength: 8, maxLength: 8 }), (words) => {
        const { hostname } = new URL(`http://[${words.join(':')}]/`)
        expect(`[${ipv6OfHex(words.join(''))}]`).toBe(hostname)
      }),
    )
  })

  it.each([
    [0xffffff00, 24],
    [0xffffffff, 32],
    [0, 0],
    [0xfffe0000, 15],
  ])('of the mask %s is the length %s', (mask, length) => expect(prefixLength(mask)).toBe(length))
})
