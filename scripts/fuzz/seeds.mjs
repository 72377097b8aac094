/**
 * One input of every kind that the fuzz target knows: a virtio-net header, two bytes that steer, a frame. The fuzzer
 * finds the rest; what it found that these do not reach is kept in test/fixtures/fuzz/corpus.txt.
 */
import {
  be,
  counting,
  ethernet as ethernetOf,
  finished,
  ipv4 as ipv4Of,
  ipv6 as ipv6Of,
  protocols,
  tcp,
  udp,
  vnetHeader,
} from './frame-bytes.mjs'

/** @typedef {import('./frame-bytes.mjs').Bytes} Bytes */

const macs = { source: [2, 0, 0, 0, 0, 2], destination: [2, 0, 0, 0, 0, 1] }
const v4 = { source: [10, 0, 0, 2], destination: [10, 0, 0, 1] }
const v6 = { source: [0xfd, 0, ...be(2, 14)], destination: [0xfd, 0, ...be(1, 14)] }
const c = /** @type {const} */ ([0x8100, 10])
const s = /** @type {const} */ ([0x88a8, 20])

/** @typedef {Parameters<typeof ethernetOf>} EthernetWords */

const ethernet = (
  /** @type {EthernetWords[1]} */ type,
  /** @type {Bytes} */ rest,
  /** @type {EthernetWords[3]} */ tags = [],
) => ethernetOf(macs, type, rest, tags)
const ip = (/** @type {Bytes} */ packet, /** @type {EthernetWords[3]} */ tags = []) =>
  ethernet((packet[0] ?? 0) >> 4 === 6 ? 0x86dd : 0x0800, packet, tags)
const ipv4 = (
  /** @type {number} */ protocol,
  /** @type {Bytes} */ rest,
  /** @type {Parameters<typeof ipv4Of>[3]} */ how = {},
) => ipv4Of(v4, protocol, rest, how)
const ipv6 = (/** @type {number} */ protocol, /** @type {Bytes} */ rest, /** @type {Bytes} */ chain = []) =>
  ipv6Of(v6, protocol, rest, chain)
const tcp4 = (/** @type {Parameters<typeof tcp>} */ ...words) => ipv4(6, finished(v4, 6, tcp(...words)))
const tcp6 = (/** @type {Parameters<typeof tcp>} */ ...words) => ipv6(6, finished(v6, 6, tcp(...words)))
const udp4 = (/** @type {number} */ port) => ipv4(17, finished(v4, 17, udp(port, counting(40))))

const arp = [0, 1, 8, 0, 6, 4, 0, 1, ...macs.source, ...v4.source, 0, 0, 0, 0, 0, 0, ...v4.destination]
const echo = [8, 0, 0, 0, 0, 1, 0, 1, ...counting(32)]
const neighbour = [135, ...counting(31)]
const { icmp, icmp6, gre, ospf, sctp } = protocols

/** @type {readonly Bytes[]} */
const frames = [
  ethernet(0x0806, arp),
  ethernet(0x0806, arp, [c]),
  ethernet(0x0806, arp, [s, c]),
  ethernet(0x88cc, counting(40)),
  ethernet(0x8809, counting(40)),
  ethernet(0x8847, [0, 1, 1, 64, ...udp4(53)]),
  ethernet(0x8864, [0x11, 0, 0, 1, 0, 70, 0, 0x21, ...udp4(53)]),
  ip(ipv4(icmp, echo)),
  ip(ipv4(icmp, echo, { options: 8 }), [c]),
  ip(ipv6(icmp6, [128, ...echo.slice(1)])),
  ip(ipv6(icmp6, neighbour)),
  ip(ipv6(icmp6, neighbour), [c]),
  ip(tcp4(counting(20), { flags: 2, options: 20 })),
  ip(tcp6(counting(20), { port: 179 })),
  ip(udp4(2152)),
  ip(ipv4(17, udp(4789, [8, 0, 0, 0, 0, 0, 5, 0, ...ip(tcp4(counting(10)))]))),
  ip(ipv6(17, finished(v6, 17, udp(3784, counting(24))), [0, 43, 60])),
  ip(ipv6(6, tcp(counting(8)), [44])),
  ip(ipv6(6, tcp(counting(8)), [51, 135])),
  ip(ipv4(gre, [0, 0, 8, 0, ...tcp4(counting(10))])),
  ip(ipv4(ospf, counting(40))),
  ip(ipv4(sctp, [...be(2905, 2), ...be(2905, 2), ...counting(12)])),
  ip(ipv4(17, counting(40), { fragment: 0x2000 })),
  ip(ipv4(17, counting(40), { fragment: 185 })),
  ip(tcp4(counting(900)), [s, c]),
  ip(tcp6(counting(900), { flags: 0x99, options: 12 }), [c]),
  ip(ipv6(6, finished(v6, 6, tcp(counting(900))), [0, 60])),
]

/**
 * What a frame is asked for: nothing; a partial checksum; TCP segmentation of both kinds, also with ECN; UDP
 * segmentation and a tunnel's, which were never negotiated.
 */
const requests = [{ flags: 0, gsoType: 0 }, ...[0, 1, 4, 0x81, 5, 0x21].map((gsoType) => ({ flags: 1, gsoType }))]

/** @returns {Buffer[]} */
export function makeSeeds() {
  return frames.flatMap((frame, i) =>
    requests
      .filter(({ flags }) => flags === 0 || frame.length > 100)
      .map(({ flags, gsoType }) => {
        const header = vnetHeader({ flags, gsoType, segmentBytes: 200, start: 34, offset: i % 2 ? 16 : 6 })
        return Buffer.from([...header, i % 3 === 0 ? 0 : 16 + 8 * i, i, ...frame])
      }),
  )
}
