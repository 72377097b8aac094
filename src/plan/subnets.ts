import { BlockList } from 'node:net'

/**
 * Whether two networks, written as `10.0.0.0/24` or as an address in one (`10.0.0.2/24`), have addresses in common.
 * What every host has, default routes and link-local addresses, counts for nothing.
 */
export function overlap(left: string, right: string): boolean {
  const [a, b] = [readSubnet(left), readSubnet(right)]
  if (a === undefined || b === undefined || a.family !== b.family) return false
  return contains(a, b) || contains(b, a)
}

interface Subnet {
  readonly address: string
  readonly prefix: number
  readonly family: 'ipv4' | 'ipv6'
}

function readSubnet(text: string): Subnet | undefined {
  const [address = '', length] = text.split('/')
  const family = address.includes(':') ? 'ipv6' : 'ipv4'
  const prefix = length === undefined ? (family === 'ipv4' ? 32 : 128) : Number(length)
  const everywhere = prefix === 0 || /^(fe[89ab]|ff|169\.254\.|22[4-9]|23\d)/i.test(address)
  return everywhere || !Number.isInteger(prefix) ? undefined : { address, prefix, family }
}

function contains(outer: Subnet, inner: Subnet): boolean {
  try {
    const list = new BlockList()
    list.addSubnet(outer.address, outer.prefix, outer.family)
    return list.check(inner.address, inner.family)
  } catch {
    // No address at all.
    return false
  }
}
