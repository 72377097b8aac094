import type { HostFiles } from './host-files.js'
import { formatIpv4, ipv4OfHex, ipv6OfHex } from './ip-text.js'
import type { ListeningAddress } from './types.js'

/** TCP_LISTEN in include/net/tcp_states.h. */
const listens = '0A'

/** The TCP addresses of this network namespace at which a program listens. @see proc_net(5), proc_net_tcp.rst */
export function discoverListening(files: HostFiles): ListeningAddress[] {
  return ['proc/self/net/tcp', 'proc/self/net/tcp6'].flatMap((path) =>
    (files.text(path) ?? '').split('\n').flatMap(read),
  )
}

/** `   0: 00000000:24F8 00000000:0000 0A …`: slot, local, remote, state. */
function read(line: string): ListeningAddress[] {
  const [, local = '', , state] = line.trim().split(/\s+/, 4)
  const [hex = '', port = ''] = local.split(':')
  const address = state === listens ? addressOfHex(hex) : undefined
  return address === undefined ? [] : [{ address, port: Number.parseInt(port, 16) }]
}

/** IPv6 as four numbers of the machine's order. An IPv4 address in it is told as such: the kernel takes it for one. */
function addressOfHex(hex: string): string | undefined {
  const mapped = /^0{16}FFFF0000(.{8})$/i.exec(hex)?.[1] ?? hex
  const ipv4 = ipv4OfHex(mapped)
  if (ipv4 !== undefined) return formatIpv4(ipv4)
  return ipv6OfHex(hex.replaceAll(/(..)(..)(..)(..)/g, '$4$3$2$1'))
}
