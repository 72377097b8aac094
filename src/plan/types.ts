import { z } from 'zod'
import { forwardingModes, limitSchema, macAddress } from '../config/terms.js'

// Words that configuration and plan share are defined by the earlier stage.
export { type ForwardingMode, forwardingModes, type Limit, limitSchema, macAddress } from '../config/terms.js'

/** One lcore that polls, and the CPU it runs on. */
const plannedLcore = z.strictObject({ lcoreId: z.int().min(1).max(64), cpuId: z.int().min(0) })

/** The way of a port's packets to the kernel and back. */
const plannedException = z.strictObject({
  backend: z.enum(['vhost-net', 'tap', 'vhost-user', 'none']),
  /** Name of the tap; empty for backends `vhost-user` and `none`. */
  tap: z.string().max(15),
  queues: z.int().min(1).max(16),
  /** A process of its own keeps a further queue of the tap, without traffic. */
  hold: z.boolean(),
  /** Descriptors of a virtio queue; vhost-net and vhost-user have them. */
  queueSize: z.int(),
  /** Where the neighbour of vhost-user is met; empty for the others. */
  socket: z.string().max(107),
  /** Whether the neighbour connects to us, or we to it. */
  server: z.boolean(),
})

const plannedPort = z.strictObject({
  name: z.string(),
  /** What `rte_dev_probe` gets: a PCI address with options, or vdev devargs. Empty when a draft found no device. */
  devargs: z.string(),
  /** In full and lower case; null for a vdev. */
  pciAddress: z.string().nullable(),
  /** Null when the host does not say, or for a vdev. */
  numaNode: z.int().nullable(),
  /** The MAC address that the device is expected to have; null when nobody says. */
  mac: macAddress.nullable(),
  /** The NetworkAttachmentDefinition it came from, when network-status tells. */
  network: z.string().nullable(),
  /** Queue pairs for the lcores; 0 lets the data plane take as many as lcores and device allow. */
  queues: z.int().min(0).max(64),
  rxDescriptors: z.int(),
  txDescriptors: z.int(),
  /** 0 leaves the device's MTU. */
  mtuBytes: z.int(),
  /** `mtuBytes` is no more than a wish, and a longer MTU of the tap is followed where the device can. */
  followMtu: z.boolean(),
  /** VLAN ids to let in besides those of the tap's children. */
  vlans: z.array(z.int().min(1).max(4094)),
  /** What the device is asked to do; it may not be able to. */
  offloads: z.strictObject({ tap: z.boolean(), tso: z.boolean(), rxChecksum: z.boolean() }),
  /** Index into `ports` of the port that forwarded packets leave by. */
  peer: z.int().min(0),
  /** Destination that mode `mac` writes into packets that leave by this port. */
  ethPeer: macAddress.nullable(),
  exception: plannedException,
})

/** A rule as the operator wrote it. */
export const plannedRule = z.strictObject({
  name: z.string(),
  match: z.string(),
  to: z.enum(['kernel', 'forward', 'drop']),
  class: z.enum(['control', 'local', 'other']),
  limit: limitSchema.nullable(),
})

const pageSize = z.enum(['2Mi', '512Mi', '1Gi', 'none'])

/** What any other DPDK program is started with in this pod. */
const plannedProgram = z.strictObject({
  ealArgs: z.array(z.string()),
  /** What `ealArgs` make it reserve at start. */
  memory: z.strictObject({ pageSize, mib: z.int() }),
  /** PCI addresses of the ports, in their order. */
  pci: z.array(z.string()),
  /** The value of `--lcores`. */
  lcores: z.string(),
  /** Taps of the ports that have one, in their order. */
  taps: z.array(z.string()),
  /** What `ealArgs` should hold and cannot: a sentence each, with the remedy. */
  missing: z.array(z.string()),
})

/** One decision, for people: what was chosen and why. */
export const decisionSchema = z.strictObject({
  subject: z.string(),
  choice: z.string(),
  reason: z.string(),
  level: z.enum(['info', 'warning']),
})
export type Decision = z.infer<typeof decisionSchema>

/**
 * What `run` will do. Made by `makePlan`, sent to the worker, shown by `spillway plan`.
 * Sizes are in the unit their name says; ids are DPDK's lcore ids and the kernel's CPU ids.
 */
export const planSchema = z.strictObject({
  cpus: z.strictObject({
    housekeeping: z.array(z.int()).min(1),
    polling: z.array(z.int()).min(1),
    /** Allowed CPUs that nothing runs on: SMT siblings of polling ones. */
    unused: z.array(z.int()),
    /** `each`: the scheduler does not balance load here, so every housekeeping thread is pinned to one CPU. */
    pinning: z.enum(['set', 'each']),
  }),
  lcores: z.array(plannedLcore).min(1),
  /** Where the kernel's vhost workers run; `cpus.pinning` holds for them too. */
  vhost: z.strictObject({ cpus: z.array(z.int()).min(1).max(512) }),
  idle: z.enum(['poll', 'ramp']),
  burst: z.int().min(1).max(256),
  memory: z.strictObject({
    pageSize,
    /** What EAL reserves at start: the sum of the nodes. */
    mib: z.int(),
    /** What it would be in hugepages, when `pageSize` is none: less, since an mbuf then takes no whole page. */
    hugepagesMib: z.int(),
    /** Where it is reserved, by ascending node; `limitMib` is what EAL's heap may grow to there. */
    nodes: z.array(z.strictObject({ numaNode: z.int().min(0), mib: z.int(), limitMib: z.int() })).min(1),
    /** Mbufs in each mempool (one mempool per NUMA node). */
    mbufs: z.int(),
    mbufCache: z.int(),
    /** Bytes of packet data an mbuf holds, headroom included. */
    dataRoomBytes: z.int(),
    /** A frame written into every mbuf before the ports start; for net_null, which never writes what it "receives". */
    prefill: z.instanceof(Uint8Array).optional(),
  }),
  /** EAL's argument list without the program's name, for the worker. */
  ealArgs: z.array(z.string()),
  vfio: z.strictObject({
    /** What lets VFIO pin the memory that devices reach. */
    pinning: z.enum(['ipc-lock', 'memlock', 'none-needed', 'insufficient']),
    /** How much that is; 0 when nothing is pinned. */
    lockMib: z.int(),
  }),
  program: plannedProgram,
  ports: z.array(plannedPort).min(1),
  forwarding: z.strictObject({ mode: z.enum(forwardingModes) }),
  rules: z.array(plannedRule),
  exceptionPath: z.strictObject({
    builtins: z.boolean(),
    builtinLimit: limitSchema.nullable(),
    default: z.enum(['kernel', 'forward', 'drop']),
    fragments: z.enum(['rules', 'kernel', 'forward', 'drop']),
    limit: limitSchema.nullable(),
  }),
  decisions: z.array(decisionSchema),
})
export type Plan = z.infer<typeof planSchema>
export type PlannedPort = Plan['ports'][number]
/** What decides the rule list beside the taps' addresses; the part of a plan that can change while it runs. */
export type RuleSet = Pick<Plan, 'rules' | 'exceptionPath'>
