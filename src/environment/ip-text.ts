/**
 * IP addresses as the kernel's text files write them, and as people do.
 *
 * @see RFC 5952 for the text of IPv6 addresses
 */

/** `0002000A` is 10.0.2.0: eight digits, the machine's (little-endian) number. */
export function ipv4OfHex(hex: string): number | undefined {
  if (!/^[0-9A-F]{8}$/i.test(hex)) return undefined
  return Buffer.from(hex, 'hex').readUInt32LE()
}

/** `10.0.2.1`, as a number. */
export function parseIpv4(text: string): number | undefined {
  const bytes = text.split('.').map((word) => (/^\d{1,3}$/.test(word) ? Number(word) : 256))
  if (bytes.length !== 4 || bytes.some((byte) => byte > 255)) return undefined
  return Buffer.from(bytes).readUInt32BE()
}

export function formatIpv4(address: number): string {
  return [24, 16, 8, 0].map((shift) => (address >>> shift) & 255).join('.')
}

/** A mask's leading ones. */
export function prefixLength(mask: number): number {
  return Math.clz32(~mask >>> 0)
}

export function inSubnet(address: number, network: number, mask: number): boolean {
  return (address & mask) >>> 0 === network
}

/** 32 digits, in the order of the address; the longest run of zeros becomes `::`. */
export function ipv6OfHex(hex: string): string | undefined {
  if (!/^[0-9a-f]{32}$/i.test(hex)) return undefined
  const words = (hex.match(/.{4}/g) ?? []).map((word) => Number.parseInt(word, 16).toString(16))
  const runs = [...words.join(':').matchAll(/(?<![0-9a-f])0(?::0(?![0-9a-f]))+/g)]
  const longest = runs.sort((a, b) => b[0].length - a[0].length || a.index - b.index)[0]
  if (longest === undefined) return words.join(':')
  const text = words.join(':')
  const [before, after] = [text.slice(0, longest.index), text.slice(longest.index + longest[0].length)]
  return `${before.replace(/:$/, '')}::${after.replace(/^:/, '')}`
}
