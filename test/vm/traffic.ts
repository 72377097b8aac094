import type { GuestProcess } from '../../scripts/vm/guest.mjs'
import { type HttpClientReport, httpClientReport } from '../../src/lab/programs/reports.js'
import { eventually } from '../eventually.js'
import { checkout } from '../native/container.js'
import { framesScript, type Namespace, type Pod, podNetwork } from './pod.js'

/** 1 MiB down and up over TCP between the two kernels, over each address of the server; every byte checked by sha256. */
export async function transfer(pod: Pod, server: Namespace, ...addresses: string[]): Promise<HttpClientReport[]> {
  const client = server === 'pod' ? 'peer' : 'pod'
  const program = `${checkout}/test/vm/programs/transfer.mjs`
  const { stdout } = await pod.guest.run(['node', program, server, client, ...addresses])
  return stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => httpClientReport.parse(JSON.parse(line)))
}

const hex = (mac: string): string => mac.replaceAll(':', '')
const ipv4 = (address: string): string =>
  address
    .split('.')
    .map((part) => Number(part).toString(16).padStart(2, '0'))
    .join('')

export interface FrameSpec {
  readonly destination?: string
  readonly source?: string
  readonly address?: string
  /** IPv4 address of the sender. */
  readonly from?: string
  /** Without FCS, the headers included. */
  readonly bytes?: number
}

/** A UDP datagram from the peer as a frame, in hex; to the fast path unless it says otherwise. */
export function udpFrame({
  destination = podNetwork.vfMac,
  source = podNetwork.peerMac,
  address = podNetwork.fastPathV4,
  from = podNetwork.peerV4,
  bytes = 60,
}: FrameSpec = {}): string {
  const udpBytes = (bytes - 34).toString(16).padStart(4, '0')
  const ipBytes = (bytes - 14).toString(16).padStart(4, '0')
  const ip = `4500${ipBytes}0000000040110000${ipv4(from)}${ipv4(address)}`
  // The kernel looks at the header's checksum, the data plane does not.
  const header = ip.replace(/^(.{20})0000/, (_, before: string) => `${before}${headerChecksum(ip)}`)
  return `${hex(destination)}${hex(source)}0800${header}13881388${udpBytes}0000${'5a'.repeat(bytes - 42)}`
}

function headerChecksum(header: string): string {
  const words = header.match(/.{4}/g) ?? []
  let sum = words.reduce((total, word) => total + Number.parseInt(word, 16), 0)
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16)
  return (~sum & 0xffff).toString(16).padStart(4, '0')
}

/**
 * Sends frames, in hex, out of the peer's VF, past its IP stack; evenly, since the emulated VF of the pod has 512 descriptors
 * and counts nowhere what finds none free.
 */
export async function sendFrames(pod: Pod, frames: readonly string[], pps = 1000): Promise<void> {
  const argv = ['python3', framesScript, 'send', podNetwork.peer, String(pps)]
  await pod.run('peer', argv, `${frames.join('\n')}\n`)
}

/** The same in the background. */
export async function startFrames(pod: Pod, frames: readonly string[], pps: number): Promise<GuestProcess> {
  const argv = ['python3', framesScript, 'send', podNetwork.peer, String(pps)]
  return await pod.guest.start(pod.inside('peer', argv), { input: `${frames.join('\n')}\n` })
}

export interface Returned {
  count(): number
  /** The last count. */
  stop(): Promise<number>
}

/** Counts frames of `udpFrame` that come back to the peer from the pod's VF, and nothing else that arrives there. */
export async function countReturned(pod: Pod): Promise<Returned> {
  const argv = ['python3', framesScript, 'capture', podNetwork.peer]
  const capture = await pod.guest.start(pod.inside('peer', argv))
  await eventually('the capture listens', () => capture.stdout.startsWith('ready'))
  const ours = new RegExp(`^${hex(podNetwork.peerMac)}${hex(podNetwork.vfMac)}0800.{40}13881388`)
  const count = (): number => capture.stdout.split('\n').filter((line) => ours.test(line)).length
  return {
    count,
    stop: async () => {
      capture.kill('SIGKILL')
      await capture.ended
      return count()
    },
  }
}

/** A netdev's counters as its kernel sees them. */
export async function netdevCounters(
  pod: Pod,
  namespace: Namespace,
  netdev: string,
): Promise<{ rxPackets: number; txPackets: number; rxDropped: number; txDropped: number }> {
  const [link] = JSON.parse(await pod.guest.must(['ip', '-j', '-s', '-n', namespace, 'link', 'show', netdev])) as [
    { stats64: Record<'rx' | 'tx', { packets: number; dropped: number }> },
  ]
  const { rx, tx } = link.stats64
  return { rxPackets: rx.packets, txPackets: tx.packets, rxDropped: rx.dropped, txDropped: tx.dropped }
}
