import { z } from 'zod'
import { limitSchema, planSchema } from '../plan/types.js'

/** One 64-bit slot of the shared counter file. `index` counts slots, not bytes. */
const counterSlot = z.strictObject({
  name: z.string(),
  labels: z.record(z.string(), z.string()),
  index: z.int().min(0),
  kind: z.enum(['counter', 'gauge']),
})
export type CounterSlot = z.infer<typeof counterSlot>

/** Where everything is in the counter file. Rule counters move at each swap: a new generation has new slots. */
export const counterLayout = z.strictObject({ generation: z.int(), slots: z.array(counterSlot) })
export type CounterLayout = z.infer<typeof counterLayout>

/** Addresses of a port's tap and of the tap's VLAN and macvlan children, in text form without prefix length. */
const tapAddresses = z.strictObject({ port: z.string(), tap: z.string(), addresses: z.array(z.string()) })
export type TapAddresses = z.infer<typeof tapAddresses>

/** A thread of the kernel in the worker process that serves a queue of vhost-net. */
const vhostWorker = z.strictObject({
  queue: z.int(),
  tid: z.int(),
  name: z.string(),
  /** Where the kernel lets it run, as a CPU list. */
  cpus: z.string(),
  /** The error, such as `EINVAL`, that kept it from the CPUs of the plan; null when it is there. */
  placeError: z.string().nullable(),
})

const portInfo = z.strictObject({
  name: z.string(),
  /** DPDK's device name: a PCI address or a vdev's name. */
  device: z.string(),
  driver: z.string(),
  mac: z.string(),
  mtuBytes: z.int(),
  numaNode: z.int(),
  rxQueues: z.int(),
  txQueues: z.int(),
  linkUp: z.boolean(),
  /** Those asked for that the device can do. */
  offloads: z.strictObject({ tso: z.boolean(), rxChecksum: z.boolean() }),
  exception: z.strictObject({
    backend: z.enum(['vhost-net', 'tap', 'vhost-user', 'none']),
    tap: z.string(),
    queues: z.int(),
    vhostWorkers: z.array(vhostWorker),
  }),
})

const lcoreInfo = z.strictObject({
  lcoreId: z.int(),
  cpuId: z.int(),
  /** The receive queues it polls, as `port:queue`. */
  rxqs: z.array(z.string()),
})

/** What `Native.start` found and made. The lcores wait: they poll once the first rule list is in force. */
export const startInfo = z.strictObject({
  dpdkVersion: z.string(),
  tscHz: z.number(),
  layout: counterLayout,
  ports: z.array(portInfo),
  lcores: z.array(lcoreInfo),
  addresses: z.array(tapAddresses),
})
export type StartInfo = z.infer<typeof startInfo>

/** One rule for the lcores. It matches when any expression of `match` does; an empty `match` matches everything. */
export const nativeRule = z.strictObject({
  name: z.string().min(1).max(63),
  match: z.array(z.string()),
  verdict: z.enum(['kernel', 'forward', 'drop']),
  class: z.enum(['control', 'local', 'other']),
  limit: limitSchema.nullable(),
})
export type NativeRule = z.infer<typeof nativeRule>

/** An error as it crosses the channel: `errno`, `call` and `subject` come from native code when it was its error. */
export const errorReport = z.strictObject({
  code: z.string(),
  message: z.string(),
  hint: z.string().optional(),
  errno: z.int().optional(),
  call: z.string().optional(),
  subject: z.string().optional(),
})
export type ErrorReport = z.infer<typeof errorReport>

/** What a port was told to let in of one kind: how many, and of them those that it refused, the first few by name. */
const filterKind = <Name extends z.ZodType>(name: Name) =>
  z.strictObject({ told: z.int(), refused: z.int(), first: z.array(name), error: z.string().nullable() })

/** The port was told what its tap listens to. Errors are names of errno, e.g. `EPERM`. */
const portFilters = z.strictObject({
  kind: z.literal('filters'),
  port: z.string(),
  /** `all`: every group is let in, instead of a list. */
  multicast: z.strictObject({ groups: z.int(), all: z.boolean(), error: z.string().nullable() }),
  vlans: filterKind(z.int()),
  unicast: filterKind(z.string()),
})
export type PortFilters = z.infer<typeof portFilters>

/** The MTU of a port and that of its tap, and what keeps the port from the tap's. */
const portMtu = z.strictObject({
  kind: z.literal('mtu'),
  port: z.string(),
  mtuBytes: z.int(),
  tapMtuBytes: z.int(),
  limit: z.enum(['free', 'plan', 'device', 'mbuf', 'refused']),
  /** What it can be at most, by `device` and `mbuf`. */
  mostBytes: z.int(),
  /** With `refused`. */
  error: z.string().nullable(),
})
export type PortMtu = z.infer<typeof portMtu>
/** Why nobody is at a vhost-user socket: an errno by name, and the call that failed with what it said. */
const neighbourLack = z.strictObject({ code: z.string(), message: z.string() })
export type NeighbourLack = z.infer<typeof neighbourLack>

/** State changes, never counters. */
export const portEvent = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('link'), port: z.string(), up: z.boolean(), speedMbps: z.int() }),
  z.strictObject({ kind: z.literal('addresses'), addresses: z.array(tapAddresses) }),
  z.strictObject({ kind: z.literal('removed'), port: z.string() }),
  /** Its PF, or somebody else, reset the device; the port is back. */
  z.strictObject({ kind: z.literal('reset'), port: z.string() }),
  /** The device that was removed is back, and so is its port. */
  z.strictObject({ kind: z.literal('returned'), port: z.string() }),
  portFilters,
  portMtu,
  /** Backend vhost-user: the neighbour has come, and `why` is null; or it has not, or has gone, and is waited for. */
  z.strictObject({ kind: z.literal('neighbour'), port: z.string(), why: neighbourLack.nullable() }),
])
export type PortEvent = z.infer<typeof portEvent>

/** Where on their way packets are captured (enum dp_capture_point of native/dataplane/dataplane.h). */
export const capturePoints = ['received', 'forwarded', 'punted', 'injected', 'dropped'] as const

/** A capture for the data plane; 0 is no limit. */
const nativeCapture = z.strictObject({
  ports: z.array(z.string()),
  points: z.array(z.enum(capturePoints)),
  /** Which drops, at `dropped`. */
  reasons: z.array(z.string()),
  snaplen: z.int().min(16).max(16_384),
  /** One packet in so many. */
  sample: z.int().min(1),
  /** From each lcore and exception thread. */
  pps: z.int().min(0),
  count: z.int().min(0),
  durationMs: z.int().min(0),
  /** Where somebody listens for it. */
  socket: z.string().max(107),
})
export type NativeCapture = z.infer<typeof nativeCapture>

/** What came of a capture (struct dp_capture_result of native/dataplane/dataplane.h). */
export const captureResult = z.strictObject({
  passed: z.number(),
  skipped: z.number(),
  matched: z.number(),
  missed: z.number(),
  written: z.number(),
  cycles: z.number(),
  /** EPIPE: whoever listened went away. */
  error: z.string().nullable(),
})
export type CaptureResult = z.infer<typeof captureResult>

export const workerRequest = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('start'), plan: planSchema }),
  z.strictObject({ type: z.literal('rules'), id: z.int(), rules: z.array(nativeRule) }),
  /** `filter` is a list of one rule and the default, or of the default alone. */
  z.strictObject({ type: z.literal('capture'), id: z.int(), capture: nativeCapture, filter: z.array(nativeRule) }),
  z.strictObject({ type: z.literal('endCapture') }),
  z.strictObject({ type: z.literal('stop') }),
])
export type WorkerRequest = z.infer<typeof workerRequest>

export const workerReport = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('started'), info: startInfo }),
  /** The list of request `id` is in force on every lcore. */
  z.strictObject({ type: z.literal('rulesInForce'), id: z.int(), layout: counterLayout }),
  /** The list of request `id` was refused; the one before stays. */
  z.strictObject({ type: z.literal('rulesRefused'), id: z.int(), error: errorReport }),
  z.strictObject({ type: z.literal('captureStarted'), id: z.int() }),
  z.strictObject({ type: z.literal('captureRefused'), id: z.int(), error: errorReport }),
  z.strictObject({ type: z.literal('captureEnded'), result: captureResult }),
  z.strictObject({ type: z.literal('event'), event: portEvent }),
  /** About once a second; what /proc does not tell about the worker's node. */
  z.strictObject({ type: z.literal('vitals'), eventLoopLagP99Seconds: z.number(), heapUsedBytes: z.number() }),
  z.strictObject({ type: z.literal('failed'), error: errorReport }),
  /** Every lcore is joined and every port closed; the last counters are in the shared file. */
  z.strictObject({ type: z.literal('stopped') }),
])
export type WorkerReport = z.infer<typeof workerReport>
