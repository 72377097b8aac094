import {
  be,
  checksumOffset,
  counting,
  type Ends,
  ethernet,
  finished,
  ipv4,
  ipv6,
  partial,
  protocols,
  tcp,
  udp,
  vnetHeader,
} from '../../scripts/fuzz/frame-bytes.mjs'
import { labNetwork } from '../../src/lab/topology.js'

/** One cell of the offload matrix: a frame, and what is asked for with it. */
export interface Cell {
  readonly name: string
  /** In hex: a virtio-net header and the frame. */
  readonly asked: string
  /** Of IPv6, which a machine may not have. */
  readonly ipv6: boolean
  /** How many come of it on the wire. */
  readonly frames: number
}

type Tags = Parameters<typeof ethernet>[3]

const { tcp: TCP, udp: UDP } = protocols
const needsChecksum = 1
const tso = { 4: 1, 6: 4 } as const
const ecn = 0x80
const udpSegmentation = 5
const discard = 9

const macOf = (text: string) => text.split(':').map((byte) => Number.parseInt(byte, 16))
const podMac = macOf(labNetwork.vfMac)
const peerMac = macOf(labNetwork.peerMac)
const pod4 = [10, 99, 0, 1]
const peer4 = [10, 99, 0, 2]
const pod6 = [0xfd, 0x99, ...be(1, 14)]
const peer6 = [0xfd, 0x99, ...be(2, 14)]

const noTags: Tags = []
const vlan: Tags = [[0x8100, 10]]
const qinq: Tags = [
  [0x88a8, 20],
  [0x8100, 10],
]

/** af_packet, which plays the VF, writes every outer tag that it puts back as one of 802.1Q. */
const twoVlans: Tags = [
  [0x8100, 20],
  [0x8100, 10],
]

/** The frames of one direction. */
interface Way {
  readonly macs: Ends
  readonly 4: Ends
  readonly 6: Ends
}

const toPeer: Way = {
  macs: { source: podMac, destination: peerMac },
  4: { source: pod4, destination: peer4 },
  6: { source: pod6, destination: peer6 },
}
const toPod: Way = {
  macs: { source: peerMac, destination: podMac },
  4: { source: peer4, destination: pod4 },
  6: { source: peer6, destination: pod6 },
}

interface Shape {
  readonly version: 4 | 6
  readonly tags?: Tags
  readonly chain?: readonly number[]
}

interface Layer4 {
  readonly protocol: number
  readonly segment: readonly number[]
}

function frameOf(way: Way, { version, tags = noTags, chain = [] }: Shape, { protocol, segment }: Layer4): number[] {
  const packet = version === 4 ? ipv4(way[4], protocol, segment) : ipv6(way[6], protocol, segment, chain)
  return [...ethernet(way.macs, version === 4 ? 0x0800 : 0x86dd, packet, tags)]
}

function layer4Offset({ version, tags = noTags, chain = [] }: Shape): number {
  return 14 + 4 * (tags?.length ?? 0) + (version === 4 ? 20 : 40 + 8 * chain.length)
}

const hex = (bytes: readonly number[]): string => Buffer.from(bytes).toString('hex')

/** The checksum is complete: nothing is asked for. */
function whole(name: string, way: Way, shape: Shape, { protocol, segment }: Layer4): Cell {
  const layer4 = { protocol, segment: finished(way[shape.version], protocol, segment) }
  return { name, asked: hex([...vnetHeader({}), ...frameOf(way, shape, layer4)]), ipv6: shape.version === 6, frames: 1 }
}

interface Segmentation {
  readonly gsoType: number
  readonly headerBytes: number
  readonly segmentBytes: number
}

/** The rest of the checksum, and perhaps segmentation, is asked for. */
function unfinished(name: string, shape: Shape, { protocol, segment }: Layer4, gso?: Segmentation): Cell {
  const layer4 = { protocol, segment: partial(toPeer[shape.version], protocol, segment) }
  const start = layer4Offset(shape)
  const request = { flags: needsChecksum, start, offset: checksumOffset(protocol), ...gso }
  const frame = frameOf(toPeer, shape, layer4)
  return {
    name,
    asked: hex([...vnetHeader(request), ...frame]),
    ipv6: shape.version === 6,
    frames: gso === undefined ? 1 : Math.ceil((frame.length - gso.headerBytes) / gso.segmentBytes),
  }
}

function bulk(
  name: string,
  shape: Shape,
  bytes: number,
  segmentBytes: number,
  { flags = 0x18, options = 0 } = {},
): Cell {
  const segment = tcp(counting(bytes), { flags, options, port: discard })
  const headerBytes = layer4Offset(shape) + 20 + options
  const gsoType = tso[shape.version] | (flags & 0x80 ? ecn : 0)
  return unfinished(name, shape, { protocol: TCP, segment }, { gsoType, headerBytes, segmentBytes })
}

const tcpSegment = (bytes = 40): Layer4 => ({ protocol: TCP, segment: tcp(counting(bytes), { port: discard }) })
const udpDatagram = (bytes = 40): Layer4 => ({ protocol: UDP, segment: udp(discard, counting(bytes)) })

/** Its sum comes out as zero, which in UDP says "no checksum". */
function udpOfSumZero(ends: Ends): Layer4 {
  const ones = udp(discard, [0, 0])
  const rest = be(beOf(finished(ends, UDP, ones).slice(6, 8)), 2)
  return { protocol: UDP, segment: udp(discard, rest) }
}

const beOf = ([high = 0, low = 0]: readonly number[]): number => high * 256 + low

/** In a VXLAN tunnel, of which the outer UDP has no checksum and the inner TCP a partial one. */
function innerPartial(): Cell {
  const inner = ethernet(toPeer.macs, 0x0800, ipv4(toPeer[4], TCP, partial(toPeer[4], TCP, tcp(counting(60)))))
  const frame = frameOf(
    toPeer,
    { version: 4 },
    { protocol: UDP, segment: udp(4789, [8, 0, 0, 0, 0, 0, 5, 0, ...inner]) },
  )
  const request = { flags: needsChecksum, start: 14 + 20 + 8 + 8 + 14 + 20, offset: 16 }
  return {
    name: 'partial checksum inside VXLAN',
    asked: hex([...vnetHeader(request), ...frame]),
    ipv6: false,
    frames: 1,
  }
}

const tagging = [
  ['', noTags],
  [' behind a VLAN tag', vlan],
  [' behind two VLAN tags', qinq],
] as const

/** What a kernel may ask of its tap, at an MTU of 1500. */
export const fromKernel: readonly Cell[] = [
  ...([4, 6] as const).flatMap((version) =>
    tagging.flatMap(([behind, tags]) => [
      whole(`TCP/IPv${version}, checksum complete${behind}`, toPeer, { version, tags }, tcpSegment()),
      unfinished(`TCP/IPv${version}, checksum partial${behind}`, { version, tags }, tcpSegment()),
      unfinished(`UDP/IPv${version}, checksum partial${behind}`, { version, tags }, udpDatagram(41)),
      bulk(`TCP/IPv${version} of 5 segments and a bit${behind}`, { version, tags }, 7001, 1400),
    ]),
  ),
  unfinished('UDP/IPv4 whose sum is zero', { version: 4 }, udpOfSumZero(toPeer[4])),
  unfinished('UDP/IPv6 whose sum is zero', { version: 6 }, udpOfSumZero(toPeer[6])),
  unfinished('UDP/IPv6 behind destination options', { version: 6, chain: [60] }, udpDatagram()),
  bulk('TCP/IPv6 of several segments behind hop-by-hop options', { version: 6, chain: [0] }, 5000, 1300),
  bulk('TCP/IPv4 of 44 segments', { version: 4 }, 64_000, 1448),
  bulk('TCP/IPv6 of 44 segments', { version: 6 }, 62_000, 1408),
  bulk('TCP/IPv4 with options, FIN and PSH', { version: 4 }, 4000, 1448, { flags: 0x19, options: 12 }),
  bulk('TCP/IPv4 with CWR', { version: 4 }, 4000, 1448, { flags: 0x98 }),
  bulk('TCP/IPv6 with CWR', { version: 6 }, 4000, 1408, { flags: 0x98 }),
  bulk('TCP/IPv4 of the smallest segments', { version: 4 }, 4800, 48),
  unfinished('UDP/IPv4 segmentation, which was not negotiated', { version: 4 }, udpDatagram(4000), {
    gsoType: udpSegmentation,
    headerBytes: 42,
    segmentBytes: 1000,
  }),
  innerPartial(),
]

/** The same at an MTU of 9000. */
export const jumboFromKernel: readonly Cell[] = [
  unfinished('TCP/IPv4 of 9000 bytes', { version: 4 }, tcpSegment(8960)),
  unfinished('UDP/IPv6 of 9000 bytes behind a VLAN tag', { version: 6, tags: vlan }, udpDatagram(8952)),
  bulk('TCP/IPv4 of several jumbo segments', { version: 4 }, 60_000, 8948, { options: 12 }),
  bulk('TCP/IPv6 of several jumbo segments', { version: 6 }, 60_000, 8928, { options: 12 }),
]

/** What a wire may bring: the checksum is right, or missing where it may be. */
export const fromWire: readonly Cell[] = [
  ...([4, 6] as const).flatMap((version) =>
    [...tagging.slice(0, 2), [' behind two VLAN tags', twoVlans] as const].flatMap(([behind, tags]) => [
      whole(`TCP/IPv${version}${behind}`, toPod, { version, tags }, tcpSegment()),
      whole(`UDP/IPv${version}${behind}`, toPod, { version, tags }, udpDatagram()),
    ]),
  ),
  whole('UDP/IPv6 behind destination options', toPod, { version: 6, chain: [60] }, udpDatagram()),
  {
    name: 'UDP/IPv4 without checksum',
    asked: hex([...vnetHeader({}), ...frameOf(toPod, { version: 4 }, udpDatagram())]),
    ipv6: false,
    frames: 1,
  },
]

/** The same at an MTU of 9000, through a driver that leaves tags as they are. */
export const jumboFromWire: readonly Cell[] = [
  whole('TCP/IPv4 behind a tag of 802.1ad and one of 802.1Q', toPod, { version: 4, tags: qinq }, tcpSegment()),
  whole('TCP/IPv4 of 9000 bytes', toPod, { version: 4 }, tcpSegment(8960)),
  whole('UDP/IPv6 of 9000 bytes behind a VLAN tag', toPod, { version: 6, tags: vlan }, udpDatagram(8952)),
]

/** A checksum that no kernel may take: wrong by one. */
export function spoilt(protocol: 'tcp' | 'udp', version: 4 | 6): string {
  const { segment } = protocol === 'tcp' ? tcpSegment() : udpDatagram()
  const right = finished(toPod[version], protocols[protocol], segment)
  const data = [...right.slice(0, -1), (right.at(-1) ?? 0) ^ 1]
  return hex(frameOf(toPod, { version }, { protocol: protocols[protocol], segment: data }))
}

/** The frame alone. */
export function bare({ asked }: Cell): string {
  return asked.slice(2 * vnetHeader({}).length)
}
