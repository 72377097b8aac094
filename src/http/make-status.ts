import type { PlannedPort } from '../plan/types.js'
import type { Rates } from '../stats/rates.js'
import type { Labels, Sample, Snapshot } from '../stats/series.js'
import { noPortTotals, type PortTotals, totalsOf } from '../stats/totals.js'
import type { SupervisorView } from '../supervisor/supervisor.js'
import { reasonsNotReady, whyMissing } from './health.js'
import type { PortStatus, Status } from './status.js'

/** A running supervisor, as the HTTP server sees it. */
export interface StatusSource {
  readonly view: SupervisorView
  readonly rates: Rates
  readonly standingLcores: readonly string[]
  takeSnapshot(): Snapshot
  verdictOf(rule: string): string
}

/** Everything about the run at this moment. */
export function makeStatus(source: StatusSource, version: string): Status {
  const { view, rates } = source
  const snapshot = source.takeSnapshot()
  const totals = totalsOf(snapshot)
  const nowMs = performance.now()
  const notReady = reasonsNotReady(view, snapshot.samples, source.standingLcores)
  const forwardingSinceMs = view.worker?.forwardingSinceMs ?? null
  return {
    version,
    dpdkVersion: view.info?.dpdkVersion ?? null,
    state: view.state,
    uptimeSeconds: (nowMs - view.startedAtMs) / 1000,
    ready: notReady.length === 0,
    notReady,
    worker: {
      pid: view.worker?.pid ?? null,
      up: view.state === 'running',
      uptimeSeconds: forwardingSinceMs === null ? 0 : (nowMs - forwardingSinceMs) / 1000,
      restarts: { ...view.restarts },
      lastDeath: view.lastDeath && { ...view.lastDeath, at: view.lastDeath.at.toISOString() },
    },
    forwardingMode: view.plan.forwarding.mode,
    intervalSeconds: rates.intervalSeconds,
    findings: view.findings.map((finding) => ({ ...finding })),
    ports: view.plan.ports.map(({ name }) => portStatus(name, view, snapshot, rates, totals.ports.get(name))),
    lcores: view.plan.lcores.map(({ lcoreId, cpuId }) => {
      const { busy = 0, rx = 0, polls = 0 } = rates.lcores.get(String(lcoreId)) ?? {}
      const rxqs = view.info?.lcores.find((lcore) => lcore.lcoreId === lcoreId)?.rxqs ?? []
      return { lcoreId, cpuId, rxqs, busy, rxPerSecond: rx, pollsPerSecond: polls }
    }),
    exceptionThreads: [...totals.exceptionThreads.keys()].map((thread) => {
      const { busy = 0, polls = 0 } = rates.exceptionThreads.get(thread) ?? {}
      return { thread, busy, pollsPerSecond: polls }
    }),
    rules: {
      generation: view.rules.generation,
      refused: view.rules.refused,
      lastRefusal: view.rules.lastRefusal,
      classifier: view.rules.classifier,
      inForce: view.rules.inForce.map(({ name, verdict }) => ({
        name,
        verdict,
        packets: Number(totals.rules.get(name)?.packets ?? 0n),
        bytes: Number(totals.rules.get(name)?.bytes ?? 0n),
        packetsPerSecond: rates.rules.get(name)?.packets ?? 0,
      })),
    },
    mempools: snapshot.samples
      .filter(({ name }) => name === 'mempool_mbufs')
      .map(({ labels, value }) => ({
        numaNode: labels.numa_node ?? '',
        mbufs: Number(value),
        inUse: Number(gauge(snapshot.samples, 'mempool_mbufs_in_use', labels) ?? 0n),
      })),
  }
}

function portStatus(
  name: string,
  view: SupervisorView,
  { samples }: Snapshot,
  rates: Rates,
  totals: PortTotals = noPortTotals,
): PortStatus {
  const planned = view.plan.ports.find((port) => port.name === name)
  const found = view.info?.ports.find((port) => port.name === name)
  const linkUp = gauge(samples, 'port_link_up', { port: name })
  return {
    name,
    devargs: planned?.devargs ?? '',
    device: found
      ? { name: found.device, driver: found.driver, mac: found.mac, mtuBytes: view.mtus.get(name) ?? found.mtuBytes }
      : null,
    link: {
      up: linkUp === 1n,
      speedMbps: Number(gauge(samples, 'port_link_speed_mbps', { port: name }) ?? 0n),
    },
    exception: {
      backend: found?.exception.backend ?? planned?.exception.backend ?? 'none',
      tap: found?.exception.tap ?? planned?.exception.tap ?? '',
      addresses: view.addresses.filter(({ port }) => port === name).flatMap(({ addresses }) => addresses),
      neighbour: planned?.exception.backend === 'vhost-user' ? neighbourStatus(planned, view, samples) : null,
      vhostWorkers: (found?.exception.vhostWorkers ?? []).map((worker) => ({
        ...worker,
        cpuSeconds: vhostWorkerSeconds(samples, name, worker.queue),
      })),
    },
    totals: numbers(totals),
    rates: portRates(rates, name),
  }
}

function neighbourStatus(
  { name, exception: { socket, server } }: PlannedPort,
  { findings }: SupervisorView,
  samples: readonly Sample[],
): PortStatus['exception']['neighbour'] {
  return {
    socket,
    server,
    up: gauge(samples, 'neighbour_up', { port: name }) === 1n,
    connections: Number(gauge(samples, 'neighbour_connections', { port: name }) ?? 0n),
    why: whyMissing(name, findings),
  }
}

function vhostWorkerSeconds(samples: readonly Sample[], port: string, queue: number): number {
  return Number(gauge(samples, 'vhost_worker_cpu_ns', { port, queue: String(queue) }) ?? 0n) / 1e9
}

/** At the edge: from here on counters are as exact as a double. */
function numbers({ dropped, puntedByClass, device, ...rest }: PortTotals): PortStatus['totals'] {
  return {
    ...toNumbers(rest),
    dropped: toNumbers(dropped),
    puntedByClass: toNumbers(puntedByClass),
    device: toNumbers(device),
  }
}

function toNumbers<K extends string>(record: Readonly<Record<K, bigint>>): Record<K, number> {
  const entries = Object.entries<bigint>(record).map(([key, value]) => [key, Number(value)])
  return Object.fromEntries(entries) as Record<K, number>
}

function portRates({ ports }: Rates, name: string): PortStatus['rates'] {
  const rates = ports.get(name)
  if (rates) return { ...rates, dropped: { ...rates.dropped } }
  const zero = { rx: 0, forwarded: 0, consumed: 0, generated: 0, punted: 0, injected: 0 }
  return { ...zero, dropped: {}, deviceRxBits: 0, deviceTxBits: 0 }
}

function gauge(samples: readonly Sample[], name: string, labels: Labels): bigint | undefined {
  return samples.find(
    (sample) => sample.name === name && Object.entries(labels).every(([key, value]) => sample.labels[key] === value),
  )?.value
}
