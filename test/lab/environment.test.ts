import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import type { Environment } from '../../src/environment/types.js'

const discover = fileURLToPath(new URL('../../dist/environment/discover.js', import.meta.url))
const program =
  `import { discoverEnvironment } from ${JSON.stringify(discover)}\n` +
  'process.stdout.write(JSON.stringify(discoverEnvironment()))'

/** What is discovered in a user and network namespace after these commands; with a sysfs of that namespace or not. */
function discoverAfter(commands: readonly string[], sysfs: 'its own' | 'of the host'): Environment {
  const mount = sysfs === 'its own' ? ['mount -t sysfs sysfs /sys'] : []
  const script = ['set -e', ...mount, 'ip link set lo up', ...commands, 'exec "$0" --input-type=module -e "$1"']
  const args = ['-Urnm', 'sh', '-c', script.join('\n'), process.execPath, program]
  return JSON.parse(execFileSync('unshare', args, { encoding: 'utf8', timeout: 60_000 }))
}

const netdev = ({ netdevs }: Environment, name: string) => netdevs.find((each) => each.name === name)

test('reads real taps as the tap CNI plugin makes them, and what is on top of them', () => {
  const environment = discoverAfter(
    [
      'ip tuntap add dev ext0 mode tap multi_queue',
      'ip tuntap add dev ext1 mode tap vnet_hdr user 0 group 0',
      'ip link add br0 type bridge',
      'ip link set ext1 master br0',
      'ip link add link ext0 name mac0 type macvlan',
      'ip link set ext0 address 02:00:00:00:00:10 mtu 1400 up',
      'ip addr add 10.9.0.1/24 dev ext0',
    ],
    'its own',
  )
  const attributes = { multiQueue: true, vnetHdr: false, persistent: true, owner: null, group: null }
  expect(netdev(environment, 'ext0')).toMatchObject({
    kind: 'tap',
    mac: '02:00:00:00:00:10',
    mtuBytes: 1400,
    up: true,
    carrier: false,
    tap: attributes,
    addresses: ['10.9.0.1/24'],
    routes: ['10.9.0.0/24'],
  })
  expect(netdev(environment, 'ext1')).toMatchObject({
    kind: 'tap',
    up: false,
    bridge: 'br0',
    tap: { ...attributes, multiQueue: false, vnetHdr: true, owner: 0, group: 0 },
  })
  expect(netdev(environment, 'br0')).toMatchObject({ kind: 'bridge', parent: null })
  expect(netdev(environment, 'mac0')).toMatchObject({ kind: 'macvlan', parent: 'ext0', tap: null })
  expect(environment.process.userNamespace).toBe(true)
})

test('tells whose an address is when two netdevs have one subnet', () => {
  const commands = [
    'ip link add vf0 type veth peer name peer0',
    'ip link set vf0 up',
    'ip link set peer0 up',
    'ip addr add 10.9.0.1/24 dev peer0',
    'ip addr add 10.9.0.2/24 dev vf0',
    'ip route add 172.30.0.0/16 via 10.9.0.9 dev vf0',
    // The kernel tells addresses of netdevs that run, and finds out a moment later that they do.
    'for each in vf0 peer0; do until grep -q up /sys/class/net/$each/operstate; do :; done; done',
  ]
  const environment = discoverAfter(commands, 'its own')
  const [vf, peer] = [netdev(environment, 'vf0'), netdev(environment, 'peer0')]
  expect(vf?.kind).toBe('veth')
  expect(vf?.addresses).toContain('10.9.0.2/24')
  expect(vf?.routes).toEqual(expect.arrayContaining(['10.9.0.0/24', '172.30.0.0/16']))
  expect(peer?.addresses).toContain('10.9.0.1/24')
})

test('takes nothing from a sysfs of another namespace but the names', () => {
  const environment = discoverAfter(['ip tuntap add dev ext0 mode tap'], 'of the host')
  expect(netdev(environment, 'ext0')).toMatchObject({ kind: 'unknown', mac: null, tap: null })
})
