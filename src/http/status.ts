import { z } from 'zod'
import { supervisorStates } from '../supervisor/state.js'
import { servedFinding } from './finding.js'

const count = z.number()
const countBy = z.record(z.string(), z.number())

const vhostWorker = z.object({
  queue: z.int(),
  tid: z.int(),
  name: z.string(),
  /** Where it may run, as a CPU list. */
  cpus: z.string(),
  /** The error that kept it from the CPUs of the plan; null when it is there. */
  placeError: z.string().nullable(),
  /** Of all workers of the queue since the start. */
  cpuSeconds: z.number(),
})

const portStatus = z.object({
  name: z.string(),
  devargs: z.string(),
  /** Null until a worker has started once. */
  device: z.object({ name: z.string(), driver: z.string(), mac: z.string(), mtuBytes: z.int() }).nullable(),
  link: z.object({ up: z.boolean(), speedMbps: z.int() }),
  exception: z.object({
    backend: z.string(),
    tap: z.string(),
    addresses: z.array(z.string()),
    /** Of backend vhost-user; null for the others. `connections` is how often a neighbour has come. */
    neighbour: z
      .object({
        socket: z.string(),
        server: z.boolean(),
        up: z.boolean(),
        connections: z.int(),
        why: z.string().nullable(),
      })
      .nullable(),
    /** By queue; empty where the kernel's vhost workers are not threads of ours, as before Linux 6.4. */
    vhostWorkers: z.array(vhostWorker),
  }),
  totals: z.object({
    rxPackets: count,
    forwarded: count,
    consumed: count,
    generated: count,
    punted: count,
    puntedBytes: count,
    puntedByClass: countBy,
    puntedMerged: count,
    tapRxFrames: count,
    injectedFrames: count,
    injectedSegments: count,
    dropped: countBy,
    device: z.object({
      rxPackets: count,
      rxBytes: count,
      txPackets: count,
      txBytes: count,
      rxMissed: count,
      rxErrors: count,
      rxNombuf: count,
      txErrors: count,
    }),
  }),
  rates: z.object({
    rx: count,
    forwarded: count,
    consumed: count,
    generated: count,
    punted: count,
    injected: count,
    dropped: countBy,
    deviceRxBits: count,
    deviceTxBits: count,
  }),
})

const lcoreStatus = z.object({
  lcoreId: z.int(),
  cpuId: z.int(),
  rxqs: z.array(z.string()),
  busy: z.number(),
  rxPerSecond: z.number(),
  pollsPerSecond: z.number(),
})

const ruleStatus = z.object({
  name: z.string(),
  verdict: z.string(),
  packets: count,
  bytes: count,
  packetsPerSecond: z.number(),
})

/**
 * The answer of /api/v1/status. Counters are JSON numbers, so as exact as Prometheus' own: up to 2^53.
 * Rates are per second of the last whole interval of about a second.
 */
export const statusSchema = z.object({
  version: z.string(),
  dpdkVersion: z.string().nullable(),
  state: z.enum(supervisorStates),
  uptimeSeconds: z.number(),
  ready: z.boolean(),
  /** Why it is not ready; empty when it is. */
  notReady: z.array(z.string()),
  worker: z.object({
    pid: z.int().nullable(),
    up: z.boolean(),
    uptimeSeconds: z.number(),
    restarts: countBy,
    lastDeath: z.object({ at: z.string(), cause: z.string(), message: z.string() }).nullable(),
  }),
  forwardingMode: z.string(),
  intervalSeconds: z.number(),
  /** What is wrong with the ports at this moment; /api/v1/checks has what was found before the start too. */
  findings: z.array(servedFinding),
  ports: z.array(portStatus),
  lcores: z.array(lcoreStatus),
  exceptionThreads: z.array(z.object({ thread: z.string(), busy: z.number(), pollsPerSecond: z.number() })),
  rules: z.object({
    generation: z.int(),
    refused: z.int(),
    lastRefusal: z.string().nullable(),
    classifier: z.string().nullable(),
    inForce: z.array(ruleStatus),
  }),
  mempools: z.array(z.object({ numaNode: z.string(), mbufs: count, inUse: count })),
})
export type Status = z.infer<typeof statusSchema>
export type PortStatus = Status['ports'][number]
