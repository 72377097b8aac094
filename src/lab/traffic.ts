import type { SpillwayError } from '../errors.js'
import type { Namespaces } from './namespaces.js'
import { type NetdevCount, readNetdev } from './netdev-counters.js'
import { labNetwork, type Topology } from './topology.js'
import { type Ping, type PingCount, startPing } from './traffic-ping.js'
import { startTcp, type TcpCount } from './traffic-tcp.js'
import { startUdp } from './traffic-udp.js'

export interface TrafficCount {
  readonly pings: readonly PingCount[]
  readonly tcp: TcpCount
  readonly udpSent: number
  /** At the peer's end of the veth: everything that came back or was answered. */
  readonly peer: NetdevCount
}

export interface Traffic {
  count(): Promise<TrafficCount>
  /** Ends everything; the second call gives what the first one gave. */
  stop(): Promise<TrafficCount>
}

export interface TrafficSpec {
  readonly udpPps: number
  readonly programs: URL
  readonly onFailure: (error: SpillwayError) => void
}

/** Datagrams of 64-byte frames without checksum: 14 + 20 + 8 + 18. */
const udpPayloadBytes = 18
/** RFC 863: nobody answers there. */
const discardPort = 9
const tcpPauseMs = 200

/**
 * Starts everything the peer does: pings and TCP to the tap's addresses, which take the exception path, and
 * datagrams to an address that is nobody's, which the fast path sends back.
 */
export async function startTraffic(
  namespaces: Namespaces,
  { ipv6 }: Topology,
  { udpPps, programs, onFailure }: TrafficSpec,
): Promise<Traffic> {
  const { tapV4, tapV6, fastPathV4, peer: peerNetdev } = labNetwork
  const addresses = ipv6 ? [tapV4, tapV6] : [tapV4]
  const tcp = await startTcp(namespaces, programs, { addresses, pauseMs: tcpPauseMs }, onFailure)
  const pings: readonly Ping[] = addresses.map((address) => startPing(namespaces.peer, address, onFailure))
  const load = { address: fastPathV4, port: discardPort, pps: udpPps, payloadBytes: udpPayloadBytes }
  const udp = startUdp(namespaces.peer, programs, load, onFailure)
  const peer = (): Promise<NetdevCount> => readNetdev(namespaces.peer.pid, peerNetdev)
  const stop = async (): Promise<TrafficCount> => {
    await udp.stop()
    // Together: each waits for what it has under way.
    const [tcpCount, ...pingCounts] = await Promise.all([tcp.stop(), ...pings.map((ping) => ping.stop())])
    return { pings: pingCounts, tcp: tcpCount, udpSent: udp.sent(), peer: await peer() }
  }
  let stopped: Promise<TrafficCount> | undefined
  return {
    count: async () => ({
      pings: pings.map((ping) => ping.count()),
      tcp: tcp.count(),
      udpSent: udp.sent(),
      peer: await peer(),
    }),
    stop: () => {
      stopped ??= stop()
      return stopped
    },
  }
}
