import type { SpillwayError } from '../errors.js'
import type { Namespace } from './namespaces.js'
import { startProgram } from './processes.js'
import { udpSenderReport } from './programs/reports.js'

export interface UdpTraffic {
  /** Datagrams the peer's kernel took, as of the sender's last report. */
  sent(): number
  stop(): Promise<void>
}

export interface UdpLoad {
  readonly address: string
  readonly port: number
  readonly pps: number
  readonly payloadBytes: number
}

/** Sends datagrams at an even rate from `namespace`. They come back to its netdev's counters, not to a socket. */
export function startUdp(
  namespace: Namespace,
  programs: URL,
  { address, port, pps, payloadBytes }: UdpLoad,
  onFailure: (error: SpillwayError) => void,
): UdpTraffic {
  let sent = 0
  const args = [address, port, pps, payloadBytes].map(String)
  const program = startProgram(
    namespace,
    { folder: programs, name: 'udp-sender.js', args, report: udpSenderReport },
    {
      onFailure,
      onReport: ({ datagrams }) => {
        sent = datagrams
      },
    },
  )
  return { sent: () => sent, stop: () => program.stop() }
}
