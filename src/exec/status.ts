import { redactArguments } from '../redact.js'
import type { TelemetryView } from '../telemetry/poller.js'
import type { PortReading } from '../telemetry/reading.js'
import type { KeeperView } from './keeper.js'
import { readinessOf } from './readiness.js'

/** The answer of /api/v1/status. */
export type ExecStatus = ReturnType<typeof makeExecStatus>

export function makeExecStatus(version: string, view: KeeperView, telemetry: TelemetryView) {
  const { reading } = telemetry
  const nowMs = performance.now()
  const { ready, reasons } = readinessOf(view, telemetry)
  return {
    version,
    dpdkVersion: reading?.version ?? null,
    state: view.state,
    uptimeSeconds: seconds(nowMs - view.startedAtMs),
    ready,
    notReady: reasons,
    program: {
      command: view.program,
      args: redactArguments(view.args),
      pid: view.pid,
      uptimeSeconds: view.programStartedAtMs === null ? 0 : seconds(nowMs - view.programStartedAtMs),
      restarts: { ...view.restarts },
      lastDeath: view.lastDeath && { ...view.lastDeath, at: view.lastDeath.at.toISOString() },
    },
    telemetry: { up: telemetry.up, failures: telemetry.failures },
    ports: (reading?.ports ?? []).map(portStatus),
    heaps: reading?.heaps ?? [],
    mempools: reading?.pools ?? [],
    lcores: reading?.lcores ?? [],
  }
}

function portStatus({ portId, info, stats, link, xstats, xstatsComplete }: PortReading) {
  return {
    portId,
    name: info.name,
    mac: info.mac_addr.toLowerCase(),
    mtuBytes: info.mtu,
    started: info.dev_started === null ? null : info.dev_started !== 0,
    rxQueues: info.nb_rx_queues,
    txQueues: info.nb_tx_queues,
    numaNode: info.numa_node,
    link: link && { up: link.status.toUpperCase() === 'UP', speedMbps: link.speed },
    stats,
    xstats: Object.fromEntries(xstats),
    xstatsComplete,
  }
}

function seconds(ms: number): number {
  return Math.round(ms) / 1000
}
