import { SpillwayError } from '../errors.js'
import { CommandFailed } from './commands.js'
import type { Namespace, Namespaces } from './namespaces.js'

/**
 * The lab's network:
 *
 *     pod namespace                                   peer namespace
 *     ext0 (tap, 10.99.0.1) ◀─▶ Spillway ◀─▶ vf0 ◀── veth ──▶ peer0 (10.99.0.2)
 *
 * vf0 plays the VF: Spillway reads it through net_af_packet. ext0 carries vf0's MAC, as virtio-user does it in
 * production: the peer addresses its frames to the VF, and the kernel must take them as its own when they come
 * out of the tap.
 */
export const labNetwork = {
  vf: 'vf0',
  tap: 'ext0',
  peer: 'peer0',
  vfMac: '02:00:0a:63:00:01',
  peerMac: '02:00:0a:63:00:02',
  tapV4: '10.99.0.1',
  tapV6: 'fd99::1',
  peerV4: '10.99.0.2',
  peerV6: 'fd99::2',
  /** Nobody's address: the rule `local` would punt what goes to the tap's. */
  fastPathV4: '10.99.0.200',
} as const

export interface Topology {
  /** False where the kernel has no IPv6 or a sysctl keeps it off. */
  readonly ipv6: boolean
}

/** What the peer's kernel must finish itself: af_packet hands over frames as they are, and cuts long ones short. */
const offloads = ['tx', 'tso', 'gso', 'gro', 'txvlan', 'rxvlan', 'tx-vlan-stag-hw-insert', 'rx-vlan-stag-hw-parse']

/**
 * Makes links, addresses and settings in both namespaces.
 *
 * @param multiQueueTap  DPDK's net_tap attaches to no other
 * @throws SpillwayError `ERR_NAMESPACES` with the command that failed.
 */
export async function buildTopology(
  { pod, peer }: Namespaces,
  { multiQueueTap = false }: { readonly multiQueueTap?: boolean } = {},
): Promise<Topology> {
  try {
    await makeLinks(pod, peer, multiQueueTap)
    await deafen(pod)
    await finishFramesInSoftware(pod, labNetwork.vf)
    await finishFramesInSoftware(peer, labNetwork.peer)
    await addAddresses(pod, peer)
    return { ipv6: await addIpv6Addresses(pod, peer) }
  } catch (cause) {
    if (!(cause instanceof CommandFailed)) throw cause
    throw new SpillwayError('ERR_NAMESPACES', `the lab's network could not be built: ${cause.message}`, {
      hint: 'the kernel needs veth and tun ("modprobe veth tun" as root), and a writable /proc/sys/net',
      cause,
    })
  }
}

async function makeLinks(pod: Namespace, peer: Namespace, multiQueueTap: boolean): Promise<void> {
  const { vf, tap, vfMac, peerMac } = labNetwork
  await batch(pod, [
    'link set lo up',
    `link add ${vf} address ${vfMac} type veth peer name ${labNetwork.peer} address ${peerMac} netns ${peer.pid}`,
    `tuntap add dev ${tap} mode tap${multiQueueTap ? ' multi_queue' : ''}`,
    `link set ${tap} address ${vfMac}`,
  ])
}

/**
 * Keeps the pod's kernel from hearing what arrives at the VF. A real VF bound to vfio-pci has no kernel side; a veth
 * does, and then every punted packet arrives twice and a ping passes although nothing is punted.
 *
 * A strict rp_filter refuses IPv4 from vf0, since the way back is ext0. The setting of `all` wins when it is larger,
 * and many hosts set it to 2 (loose): it goes to 0 first.
 */
async function deafen(pod: Namespace): Promise<void> {
  const { vf, tap } = labNetwork
  const settings = [
    ['ipv4/conf/all/rp_filter', 0],
    [`ipv4/conf/${tap}/rp_filter`, 0],
    [`ipv4/conf/${vf}/rp_filter`, 1],
    [`ipv4/conf/${vf}/arp_ignore`, 8],
    [`ipv6/conf/${vf}/disable_ipv6`, 1],
  ] as const
  // A kernel without IPv6 has no such file, and nothing to keep from hearing.
  const script = settings.map(([name, value]) => {
    const path = `/proc/sys/net/${name}`
    return `test ! -e ${path} || echo ${value} > ${path} || exit 1`
  })
  await pod.run(['sh', '-c', script.join('\n')])
}

async function finishFramesInSoftware(namespace: Namespace, netdev: string): Promise<void> {
  await namespace.run(['ethtool', '-K', netdev, ...offloads.flatMap((offload) => [offload, 'off'])])
}

async function addAddresses(pod: Namespace, peer: Namespace): Promise<void> {
  const { vf, tap, vfMac, tapV4, peerV4, fastPathV4 } = labNetwork
  await batch(pod, [`link set ${vf} up`, `addr add ${tapV4}/24 dev ${tap}`, `link set ${tap} up`])
  await batch(peer, [
    'link set lo up',
    `addr add ${peerV4}/24 dev ${labNetwork.peer}`,
    `link set ${labNetwork.peer} up`,
    `neigh replace ${fastPathV4} lladdr ${vfMac} dev ${labNetwork.peer} nud permanent`,
  ])
}

/** IPv6 may be off on this host: then the lab does without. */
async function addIpv6Addresses(pod: Namespace, peer: Namespace): Promise<boolean> {
  try {
    await batch(pod, [`addr add ${labNetwork.tapV6}/64 dev ${labNetwork.tap} nodad`])
    await batch(peer, [`addr add ${labNetwork.peerV6}/64 dev ${labNetwork.peer} nodad`])
    return true
  } catch (error) {
    if (error instanceof CommandFailed) return false
    throw error
  }
}

async function batch(namespace: Namespace, lines: readonly string[]): Promise<void> {
  await namespace.run(['ip', '-batch', '-'], `${lines.join('\n')}\n`)
}
