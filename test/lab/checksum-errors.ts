import { readFile } from 'node:fs/promises'
import type { Namespace } from '../../src/lab/namespaces.js'

/** Packets that a kernel threw away for their checksum, by protocol; TCP counts both IP versions in one. */
export interface ChecksumErrors {
  readonly ip: number
  readonly tcp: number
  readonly udp: number
  readonly udp6: number
}

export const noChecksumErrors: ChecksumErrors = { ip: 0, tcp: 0, udp: 0, udp6: 0 }

/** What the namespace's kernel has counted so far. */
export async function readChecksumErrors({ pid }: Namespace): Promise<ChecksumErrors> {
  const snmp = await readFile(`/proc/${pid}/net/snmp`, 'utf8')
  return parseChecksumErrors(snmp, await readFile(`/proc/${pid}/net/snmp6`, 'utf8').catch(() => ''))
}

/** From /proc/net/snmp and snmp6. */
export function parseChecksumErrors(snmp: string, snmp6: string): ChecksumErrors {
  return {
    ip: field(snmp, 'Ip', 'InHdrErrors'),
    tcp: field(snmp, 'Tcp', 'InCsumErrors'),
    udp: field(snmp, 'Udp', 'InCsumErrors'),
    udp6: Number(/^Udp6InCsumErrors\s+(\d+)$/m.exec(snmp6)?.[1] ?? 0),
  }
}

/** Two lines of each protocol: names, then values. */
function field(snmp: string, protocol: string, name: string): number {
  const [names = [], values = []] = snmp
    .split('\n')
    .filter((line) => line.startsWith(`${protocol}: `))
    .map((line) => line.split(' '))
  const value = values[names.indexOf(name)]
  if (value === undefined) throw new RangeError(`/proc/net/snmp has no ${protocol} ${name}`)
  return Number(value)
}
