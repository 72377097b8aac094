/** Frames by the byte: what no socket sends. The fuzz seeds and the offload matrix of the lab are made of it. */

/**
 * @typedef {readonly number[]} Bytes
 * @typedef {{ source: Bytes, destination: Bytes }} Ends  addresses, of Ethernet or of IP
 */

export const protocols = { icmp: 1, tcp: 6, udp: 17, gre: 47, icmp6: 58, ospf: 89, sctp: 132 }

/** @returns {Bytes} big endian */
export function be(/** @type {number} */ value, /** @type {number} */ bytes) {
  return Array.from({ length: bytes }, (_, i) => Math.floor(value / 2 ** (8 * (bytes - 1 - i))) & 0xff)
}

/** @returns {Bytes} */
export function counting(/** @type {number} */ length) {
  return Array.from({ length }, (_, i) => (i * 7) & 0xff)
}

/**
 * @param {Ends} macs
 * @param {number} type
 * @param {Bytes} rest
 * @param {readonly (readonly [tpid: number, tci: number])[]} [tags]  outer first
 * @returns {Bytes}
 */
export function ethernet({ source, destination }, type, rest, tags = []) {
  const tagged = tags.flatMap(([tpid, tci]) => [...be(tpid, 2), ...be(tci, 2)])
  return [...destination, ...source, ...tagged, ...be(type, 2), ...rest]
}

/**
 * @param {Ends} ends
 * @param {number} protocol
 * @param {Bytes} rest
 * @param {{ options?: number, fragment?: number }} [how]  bytes of options; flags and fragment offset
 * @returns {Bytes}
 */
export function ipv4({ source, destination }, protocol, rest, { options = 0, fragment = 0x4000 } = {}) {
  const length = be(20 + options + rest.length, 2)
  const start = [0x45 + options / 4, 0, ...length, 0x12, 0x34, ...be(fragment, 2), 64, protocol]
  const end = [...source, ...destination, ...counting(options).map(() => 1)]
  return [...start, ...be(complement(sum([...start, 0, 0, ...end])), 2), ...end, ...rest]
}

/**
 * @param {Ends} ends
 * @param {number} protocol
 * @param {Bytes} rest
 * @param {Bytes} [chain]  types of extension headers; each is eight bytes, its only option padding
 * @returns {Bytes}
 */
export function ipv6({ source, destination }, protocol, rest, chain = []) {
  const extensions = chain.flatMap((_, i) => [chain[i + 1] ?? protocol, 0, 1, 4, 0, 0, 0, 0])
  const length = be(extensions.length + rest.length, 2)
  return [0x60, 0, 0, 0, ...length, chain[0] ?? protocol, 64, ...source, ...destination, ...extensions, ...rest]
}

/**
 * A TCP segment without checksum.
 *
 * @param {Bytes} data
 * @param {{ flags?: number, port?: number, options?: number }} [how]
 * @returns {Bytes}
 */
export function tcp(data, { flags = 0x18, port = 1501, options = 0 } = {}) {
  const offset = ((20 + options) / 4) << 4
  const header = [...be(40_000, 2), ...be(port, 2), ...be(1000, 4), ...be(2000, 4), offset, flags, 1, 0, 0, 0, 0, 0]
  return [...header, ...counting(options).map(() => 1), ...data]
}

/** @returns {Bytes} a UDP datagram without checksum */
export function udp(/** @type {number} */ port, /** @type {Bytes} */ data) {
  return [...be(40_000, 2), ...be(port, 2), ...be(8 + data.length, 2), 0, 0, ...data]
}

/** Where the checksum is in a TCP or UDP header. */
export function checksumOffset(/** @type {number} */ protocol) {
  return protocol === protocols.tcp ? 16 : 6
}

/**
 * @param {Ends} ends
 * @param {number} protocol
 * @param {Bytes} segment  its checksum is 0
 * @returns {Bytes} with the checksum that the receiver looks for
 */
export function finished(ends, protocol, segment) {
  const whole = complement(sum(segment, pseudoSum(ends, protocol, segment.length)))
  return withField(segment, checksumOffset(protocol), whole === 0 ? 0xffff : whole)
}

/** @type {typeof finished} with the pseudo header's sum, as the kernel leaves it to hardware */
export function partial(ends, protocol, segment) {
  return withField(segment, checksumOffset(protocol), pseudoSum(ends, protocol, segment.length))
}

/**
 * The virtio-net header of this machine.
 *
 * @param {{ flags?: number, gsoType?: number, headerBytes?: number, segmentBytes?: number, start?: number, offset?: number }} asked
 * @returns {Bytes}
 */
export function vnetHeader({ flags = 0, gsoType = 0, headerBytes = 0, segmentBytes = 0, start = 0, offset = 0 }) {
  return [flags, gsoType, ...[headerBytes, segmentBytes, start, offset].flatMap((value) => [value & 0xff, value >> 8])]
}

/**
 * @param {Ends} ends
 * @param {number} protocol
 * @param {number} length
 */
function pseudoSum({ source, destination }, protocol, length) {
  return sum([...source, ...destination, 0, protocol, ...be(length, 2)])
}

function sum(/** @type {Bytes} */ bytes, start = 0) {
  let total = start
  for (let i = 0; i < bytes.length; i += 2) total += ((bytes[i] ?? 0) << 8) + (bytes[i + 1] ?? 0)
  while (total > 0xffff) total = (total & 0xffff) + Math.floor(total / 0x1_0000)
  return total
}

function complement(/** @type {number} */ value) {
  return ~value & 0xffff
}

/** @returns {Bytes} */
function withField(/** @type {Bytes} */ bytes, /** @type {number} */ at, /** @type {number} */ value) {
  return [...bytes.slice(0, at), ...be(value, 2), ...bytes.slice(at + 2)]
}
