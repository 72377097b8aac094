import type { Status } from '../http/status.js'
import type { TrafficCount } from './traffic.js'
import type { PingCount } from './traffic-ping.js'

/** What was seen from the first packet to the last. */
export interface Outcome {
  readonly seconds: number
  readonly status: Status
  readonly traffic: TrafficCount
}

/** The end of a run, for people. */
export function formatSummary({ seconds, status, traffic }: Outcome): string[] {
  const { forwarded, punted, injectedFrames, injectedSegments } = sumPorts(status)
  const { tcp } = traffic
  const rows = [
    ['fast path', `${count(forwarded)} packets forwarded (${status.forwardingMode})`],
    [
      'exception path',
      `${count(punted)} packets to the kernel, ${count(injectedFrames)} frames from it (${count(injectedSegments)} packets on the wire)`,
    ],
    ['at the peer', `${count(traffic.peer.txPackets)} packets sent, ${count(traffic.peer.rxPackets)} received`],
    [
      'TCP fetches',
      `${count(tcp.downloads)} of 1 MiB, verified; ${count(tcp.uploads)} uploads, verified; ${count(tcp.failed)} failed`,
    ],
    ...traffic.pings.map((ping) => [`ping ${ping.host}`, formatPing(ping)]),
    ['drops', formatDrops(status)],
    ['worker restarts', formatRestarts(status)],
  ]
  const width = Math.max(...rows.map(([name = '']) => name.length))
  return [`summary of ${seconds.toFixed(1)} s`, ...rows.map(([name = '', text]) => `  ${name.padEnd(width)}  ${text}`)]
}

/** What a run promises and this one did not show; empty when all is well. */
export function findBrokenPromises({ status, traffic }: Outcome): string[] {
  const { forwarded, punted, injectedFrames } = sumPorts(status)
  const silent = traffic.pings.filter(({ received }) => received === 0).map(({ host }) => host)
  const broken = [
    [forwarded === 0, 'no packet took the fast path'],
    [punted === 0, 'no packet reached the kernel'],
    [injectedFrames === 0, 'no frame came from the kernel'],
    [traffic.tcp.downloads === 0, `no TCP fetch was completed${because(traffic.tcp.lastFailure)}`],
    [traffic.tcp.uploads === 0, `no TCP upload was completed${because(traffic.tcp.lastFailure)}`],
    [silent.length > 0, `no ping was answered by ${silent.join(', ')}`],
  ] as const
  return broken.filter(([isBroken]) => isBroken).map(([, text]) => text)
}

function because(failure: string | null): string {
  return failure === null ? '' : ` (${failure})`
}

interface PortSums {
  readonly forwarded: number
  readonly punted: number
  readonly injectedFrames: number
  readonly injectedSegments: number
}

function sumPorts({ ports }: Status): PortSums {
  const sum = (pick: (totals: Status['ports'][number]['totals']) => number): number =>
    ports.reduce((total, port) => total + pick(port.totals), 0)
  return {
    forwarded: sum(({ forwarded }) => forwarded),
    punted: sum(({ punted }) => punted),
    injectedFrames: sum(({ injectedFrames }) => injectedFrames),
    injectedSegments: sum(({ injectedSegments }) => injectedSegments),
  }
}

export function formatPing({ sent, received, duplicates, minRttMs, maxRttMs }: PingCount): string {
  const loss = sent === 0 ? 0 : ((sent - received) / sent) * 100
  const rtt = minRttMs === null || maxRttMs === null ? '' : `, RTT ${minRttMs} to ${maxRttMs} ms`
  return `${count(sent)} sent, ${count(received)} received, ${count(duplicates)} duplicates, loss ${round(loss)} %${rtt}`
}

function formatDrops({ ports }: Status): string {
  const drops = ports.flatMap(({ name, totals }) =>
    Object.entries(totals.dropped)
      .filter(([, packets]) => packets > 0)
      .map(([reason, packets]) => `${name} ${reason} ${count(packets)}`),
  )
  return drops.length === 0 ? 'none' : drops.join(', ')
}

function formatRestarts({ worker: { restarts } }: Status): string {
  const causes = Object.entries(restarts).filter(([, times]) => times > 0)
  return causes.length === 0 ? '0' : causes.map(([cause, times]) => `${count(times)} (${cause})`).join(', ')
}

function count(value: number): string {
  return value.toLocaleString('en-US')
}

function round(value: number): string {
  return value === 0 || value === 100 ? value.toFixed(0) : value.toFixed(2)
}
