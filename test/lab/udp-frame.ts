import { labNetwork } from '../../src/lab/topology.js'

export interface UdpFrame {
  readonly sourcePort: number
  readonly destinationPort: number
  /** What the datagram carries: one number. */
  readonly number: number
  readonly source?: string
  readonly destination?: string
}

const hex = (value: number, bytes: number): string => value.toString(16).padStart(2 * bytes, '0')
const address = (text: string): string =>
  text
    .split('.')
    .map((byte) => hex(Number(byte), 1))
    .join('')

/** An Ethernet frame in hex from the lab's peer to the VF. Without IP checksum: the pod's kernel says nothing about it. */
export function udpFrame({ sourcePort, destinationPort, number, source, destination }: UdpFrame): string {
  const ethernet = `${labNetwork.vfMac}${labNetwork.peerMac}0800`.replaceAll(':', '')
  const ip = `450000200000000040110000${address(source ?? labNetwork.peerV4)}${address(destination ?? labNetwork.tapV4)}`
  const udp = `${hex(sourcePort, 2)}${hex(destinationPort, 2)}000c0000${hex(number, 4)}`
  return `${ethernet}${ip}${udp}`.padEnd(2 * 60, '0')
}

/** Source port and number of a frame that `udpFrame` made. */
export function readUdpFrame(frame: string): { sourcePort: number; number: number } {
  const at = (byte: number, bytes: number): number => Number.parseInt(frame.slice(2 * byte, 2 * (byte + bytes)), 16)
  return { sourcePort: at(34, 2), number: at(42, 4) }
}
