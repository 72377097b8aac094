/** Frames for the recipes of docs/recipes.md, in hex. Without checksums: rules do not look at them. */

const hex = (value: number, bytes = 1): string => value.toString(16).padStart(2 * bytes, '0')
const pad = (frame: string): string => frame.padEnd(2 * 60, '0')
const macs = '02000000000102000000000a'

const v4 = (text: string): string =>
  text
    .split('.')
    .map((byte) => hex(Number(byte)))
    .join('')
const v6 = (last: number): string => `fd00${'0'.repeat(26)}${hex(last)}`

export interface Ip {
  readonly ttl?: number
  readonly to?: string
  /** IPv4 flags and offset. */
  readonly fragment?: number
}

export const ether = (type: number, payload: string): string => pad(`${macs}${hex(type, 2)}${payload}`)
export const tagged = (frame: string): string => `${frame.slice(0, 24)}8100000a${frame.slice(24)}`
/** An 802.3 frame: a length instead of a type, then LLC. */
export const llc = (payload: string): string => pad(`${macs}${hex(payload.length / 2, 2)}${payload}`)

export function ip(protocol: number, payload: string, { ttl = 64, to = '192.0.2.9', fragment = 0 }: Ip = {}): string {
  const length = hex(20 + payload.length / 2, 2)
  return ether(
    0x800,
    `4500${length}0001${hex(fragment, 2)}${hex(ttl)}${hex(protocol)}0000${v4('192.0.2.1')}${v4(to)}${payload}`,
  )
}

export function ip6(protocol: number, payload: string, { ttl = 64 }: Pick<Ip, 'ttl'> = {}): string {
  return ether(0x86dd, `60000000${hex(payload.length / 2, 2)}${hex(protocol)}${hex(ttl)}${v6(1)}${v6(9)}${payload}`)
}

export const udp = (source: number, destination: number): string =>
  `${hex(source, 2)}${hex(destination, 2)}${hex(28, 2)}0000${'00'.repeat(20)}`
export const tcp = (source: number, destination: number): string =>
  `${hex(source, 2)}${hex(destination, 2)}00000000000000005010200000000000`
export const icmp6 = (type: number): string => `${hex(type)}000000${'00'.repeat(20)}`

/** An extension header of 8 bytes in front of `payload`. */
export const option = (next: number, payload: string, body = '050200000100'): string =>
  `${hex(next)}00${body}${payload}`
