import { afterEach, describe, expect, test } from 'vitest'
import { tryCommand } from '../../src/lab/commands.js'
import { labNetwork } from '../../src/lab/topology.js'
import { startTcp } from '../../src/lab/traffic-tcp.js'
import { eventually } from '../eventually.js'
import { captureFrames, sendFrames } from './frames.js'
import { alsoClose, closeLabs, failTest, type Lab, programs, readyLab } from './lab-fixture.js'
import { ping } from './ping.js'

afterEach(closeLabs)

const { tap, vf, peer: peerNetdev, tapV4, tapV6, vfMac } = labNetwork

async function ip(lab: Lab, where: 'pod' | 'peer', ...lines: string[]): Promise<void> {
  await lab[where].run(['ip', '-batch', '-'], `${lines.join('\n')}\n`)
}

/** Waits for two verified transfers each way over every address. */
async function transferOver(lab: Lab, addresses: readonly string[]): Promise<void> {
  const tcp = await startTcp(lab, programs, { addresses, pauseMs: 10 }, failTest)
  alsoClose(() => tcp.stop())
  const count = await eventually(`1 MiB over ${addresses.join(' and ')}, both ways, twice`, async () => {
    const { byHost, ...rest } = tcp.count()
    return addresses.every((address) => (byHost[address] ?? 0) >= 4) ? rest : undefined
  })
  expect(count).toMatchObject({ failed: 0, lastFailure: null })
  await tcp.stop()
}

describe('the exception path', () => {
  test('answers every ping once, over IPv4 and IPv6', async () => {
    const lab = await readyLab()
    const addresses = lab.topology.ipv6 ? [tapV4, tapV6] : [tapV4]
    for (const address of addresses) {
      expect(await ping(lab.peer, address, 10), address).toEqual({ sent: 10, received: 10, duplicates: 0 })
    }
  })

  test('is the only way to the kernel: with nothing punted no ping is answered', async () => {
    const lab = await readyLab({
      settings: (settings) => ({ ...settings, exceptionPath: { builtins: false, default: 'forward' } }),
    })
    // Without a neighbour entry the pings would not even be sent.
    await ip(lab, 'peer', `neigh replace ${tapV4} lladdr ${vfMac} dev ${peerNetdev} nud permanent`)
    expect(await ping(lab.peer, tapV4)).toEqual({ sent: 3, received: 0, duplicates: 0 })
    if (lab.topology.ipv6) {
      await ip(lab, 'peer', `neigh replace ${tapV6} lladdr ${vfMac} dev ${peerNetdev} nud permanent`)
      expect(await ping(lab.peer, tapV6)).toEqual({ sent: 3, received: 0, duplicates: 0 })
    }
    const { totals } = (await lab.instance.status()).ports[0] ?? {}
    expect(totals?.punted).toBe(0)
    expect(totals?.forwarded).toBeGreaterThanOrEqual(lab.topology.ipv6 ? 6 : 3)
  })

  test('carries 1 MiB over TCP both ways, over IPv4 and IPv6', async () => {
    const lab = await readyLab()
    await transferOver(lab, lab.topology.ipv6 ? [tapV4, tapV6] : [tapV4])
  })

  test('follows addresses that the tap gets and loses at run time', async () => {
    const lab = await readyLab()
    await ip(lab, 'pod', `addr add 10.99.0.3/24 dev ${tap}`)
    await eventually('the new address answers', async () => (await ping(lab.peer, '10.99.0.3', 1)).received === 1)
    expect(await ping(lab.peer, '10.99.0.3', 3)).toEqual({ sent: 3, received: 3, duplicates: 0 })

    await ip(lab, 'pod', `addr del 10.99.0.3/24 dev ${tap}`)
    await eventually('the rule "local" forgot it', async () => {
      const { ports } = await lab.instance.status()
      return ports[0]?.exception.addresses.includes('10.99.0.3') === false
    })
  })

  test('follows macvlan children of the tap and carries their TCP', async () => {
    const lab = await readyLab()
    await ip(lab, 'peer', `addr add 10.99.20.2/24 dev ${peerNetdev}`)
    await ip(lab, 'pod', `link add link ${tap} name child0 type macvlan mode bridge`)
    await ip(lab, 'pod', 'addr add 10.99.20.1/24 dev child0', 'link set child0 up')
    await eventually('the child answers', async () => (await ping(lab.peer, '10.99.20.1', 1)).received === 1)
    expect(await ping(lab.peer, '10.99.20.1')).toEqual({ sent: 3, received: 3, duplicates: 0 })
    await transferOver(lab, ['10.99.20.1'])
  })

  test('follows VLAN children of the tap and carries their TCP', async ({ skip }) => {
    const lab = await readyLab()
    const vlan = ['ip', 'link', 'add', 'link', peerNetdev, 'name', `${peerNetdev}.10`, 'type', 'vlan', 'id', '10']
    const { stderr } = await tryCommand(lab.peer.enter(vlan))
    skip(stderr.includes('Unknown device type'), 'this kernel has no VLAN netdevs (module 8021q)')
    await ip(lab, 'peer', `addr add 10.99.10.2/24 dev ${peerNetdev}.10`, `link set ${peerNetdev}.10 up`)
    await ip(lab, 'pod', `link add link ${tap} name ${tap}.10 type vlan id 10`)
    await ip(lab, 'pod', `addr add 10.99.10.1/24 dev ${tap}.10`, `link set ${tap}.10 up`)
    const addresses = ['10.99.10.1']
    if (lab.topology.ipv6) {
      await ip(lab, 'peer', `addr add fd99:10::2/64 dev ${peerNetdev}.10 nodad`)
      await ip(lab, 'pod', `addr add fd99:10::1/64 dev ${tap}.10 nodad`)
      addresses.push('fd99:10::1')
    }
    for (const address of addresses) {
      await eventually(`${address} answers`, async () => (await ping(lab.peer, address, 1)).received === 1)
      expect(await ping(lab.peer, address), address).toEqual({ sent: 3, received: 3, duplicates: 0 })
    }
    await transferOver(lab, addresses)
  })

  test('keeps VLAN tags in both directions', async () => {
    const lab = await readyLab()
    const arpFromPeer = taggedArp(labNetwork.peerMac, '0a630a02', '0a630a01')
    const arpFromPod = taggedArp(labNetwork.vfMac, '0a630a01', '0a630a02')
    const atTap = await captureFrames(lab.pod, tap)
    alsoClose(() => atTap.stop())
    const atPeer = await captureFrames(lab.peer, peerNetdev)
    alsoClose(() => atPeer.stop())
    await sendFrames(lab.peer, peerNetdev, [arpFromPeer])
    await sendFrames(lab.pod, tap, [arpFromPod])
    await eventually('the tagged frame at the tap', async () => atTap.frames.includes(arpFromPeer))
    await eventually('the tagged frame at the peer', async () => atPeer.frames.includes(arpFromPod))
    expect(atTap.frames.filter((frame) => frame === arpFromPeer)).toHaveLength(1)
    expect(atPeer.frames.filter((frame) => frame === arpFromPod)).toHaveLength(1)
  })

  test('leaves the VF to Spillway: the tap carries its MAC address', async () => {
    const lab = await readyLab()
    const [port] = (await lab.instance.status()).ports
    expect(port).toMatchObject({ name: vf, device: { mac: vfMac }, exception: { backend: 'tap', tap } })
  })
})

/** "Who has `to`? Tell `from`", in VLAN 10, as long as Ethernet wants it. */
function taggedArp(mac: string, from: string, to: string): string {
  const hardware = mac.replaceAll(':', '')
  const request = `0001080006040001${hardware}${from}000000000000${to}`
  return `ffffffffffff${hardware}8100000a0806${request}`.padEnd(2 * 64, '0')
}
