/**
 * What goes over the tap in the benchmark, as pcap files: net_pcap plays one round and round, and so does the sender at
 * the tap. Nobody has the frames' MAC address, so the kernel drops what it is given as soon as it has looked at it: what
 * is compared is the way to the kernel, not the kernel.
 */

const macs = Buffer.from('020000000099020000000098', 'hex')
/** Frame lengths without FCS, 7 : 4 : 1 as in the Internet's simple mix. */
const mix = [60, 60, 60, 60, 60, 60, 60, 590, 590, 590, 590, 1514]
export const mixedFlows = 1024
export const bulkSegments = 2048
const bulkPayload = 1448

/** One frame of each of 1024 flows, by turns UDP and TCP: no two can be merged. */
export function mixedFrames(): Buffer[] {
  return Array.from({ length: mixedFlows }, (_, i) => {
    const length = mix[i % mix.length] ?? 60
    const addresses = { from: 0x0a000001 + i, to: 0x0a800001 + (i % 64) }
    return i % 2 === 0
      ? ipv4Frame(17, { ...addresses, id: i }, udp(length - macs.length - 2 - 20))
      : ipv4Frame(6, { ...addresses, id: i }, tcp({ seq: 1, payloadBytes: length - macs.length - 2 - 20 - 20 }))
  })
}

/** Consecutive segments of one TCP flow at a common MSS, with timestamps. */
export function bulkFrames(): Buffer[] {
  return Array.from({ length: bulkSegments }, (_, i) =>
    ipv4Frame(
      6,
      { from: 0x0a000001, to: 0x0a800001, id: i },
      tcp({ seq: i * bulkPayload, payloadBytes: bulkPayload, options: Buffer.from('0101080a0000000100000002', 'hex') }),
    ),
  )
}

export function pcapFile(frames: readonly Buffer[]): Buffer {
  const header = Buffer.from('d4c3b2a1020004000000000000000000ffff000001000000', 'hex')
  const records = frames.flatMap((frame) => {
    const record = Buffer.alloc(16)
    record.writeUInt32LE(frame.length, 8)
    record.writeUInt32LE(frame.length, 12)
    return [record, frame]
  })
  return Buffer.concat([header, ...records])
}

interface Addresses {
  readonly from: number
  readonly to: number
  readonly id: number
}

/** Finishes the checksum of `l4` in place. */
function ipv4Frame(protocol: 6 | 17, { from, to, id }: Addresses, l4: Buffer): Buffer {
  const ip = Buffer.alloc(20)
  ip.writeUInt16BE(0x4500, 0)
  ip.writeUInt16BE(ip.length + l4.length, 2)
  ip.writeUInt16BE(id, 4)
  ip.writeUInt32BE(0x40004000 + protocol, 6)
  ip.writeUInt32BE(from, 12)
  ip.writeUInt32BE(to, 16)
  ip.writeUInt16BE(checksum(ip), 10)
  const pseudoHeader = Buffer.alloc(12)
  ip.copy(pseudoHeader, 0, 12)
  pseudoHeader.writeUInt16BE(protocol, 8)
  pseudoHeader.writeUInt16BE(l4.length, 10)
  l4.writeUInt16BE(checksum(Buffer.concat([pseudoHeader, l4])), protocol === 6 ? 16 : 6)
  return Buffer.concat([macs, Buffer.from('0800', 'hex'), ip, l4])
}

function udp(length: number): Buffer {
  const datagram = Buffer.alloc(length)
  datagram.writeUInt32BE((4660 << 16) + 22136, 0)
  datagram.writeUInt16BE(length, 4)
  return datagram
}

interface Segment {
  readonly seq: number
  readonly payloadBytes: number
  readonly options?: Buffer
}

function tcp({ seq, payloadBytes, options = Buffer.alloc(0) }: Segment): Buffer {
  const header = Buffer.alloc(20)
  header.writeUInt32BE((4660 << 16) + 22136, 0)
  header.writeUInt32BE(seq, 4)
  header.writeUInt32BE(1, 8)
  header.writeUInt16BE((((header.length + options.length) / 4) << 12) + 0x10, 12)
  header.writeUInt16BE(501, 14)
  return Buffer.concat([header, options, Buffer.alloc(payloadBytes, 'spillway ')])
}

function checksum(bytes: Buffer): number {
  let sum = 0
  for (let i = 0; i + 1 < bytes.length; i += 2) sum += bytes.readUInt16BE(i)
  if (bytes.length % 2 === 1) sum += (bytes.at(-1) ?? 0) << 8
  while (sum > 0xffff) sum = (sum & 0xffff) + Math.floor(sum / 0x10000)
  return ~sum & 0xffff
}
