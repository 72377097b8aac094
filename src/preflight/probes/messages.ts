import { z } from 'zod'

/**
 * What the probe child is asked and answers. A refused system call is an answer, and the most useful one; only a hang or
 * a crash leaves a question without one.
 */

const bytes = z.number().int().positive()

export const probeRequest = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('vhost-net'), path: z.string() }),
  z.strictObject({
    kind: z.literal('tap'),
    device: z.string(),
    tap: z.string().min(1).max(15),
    queues: z.int().min(1).max(8),
    /** Null when nobody knows how the tap was made: then both ways are tried, as virtio-user does. */
    multiQueue: z.boolean().nullable(),
  }),
  z.strictObject({ kind: z.literal('hugepage'), pageBytes: bytes }),
  z.strictObject({ kind: z.literal('hugetlb-mount'), path: z.string() }),
  z.strictObject({ kind: z.literal('mlock'), bytes }),
  z.strictObject({ kind: z.literal('mempolicy') }),
  z.strictObject({ kind: z.literal('vfio-container'), path: z.string() }),
  z.strictObject({ kind: z.literal('vfio-group'), path: z.string() }),
])
export type ProbeRequest = z.infer<typeof probeRequest>
export type ProbeKind = ProbeRequest['kind']
export type RequestOf<K extends ProbeKind> = Extract<ProbeRequest, { kind: K }>

/** The first call that was refused: its name and the name of its errno. */
const refusal = z.strictObject({ call: z.string(), error: z.string() }).nullable()
export type Refusal = NonNullable<z.infer<typeof refusal>>

export const probeAnswer = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('vhost-net'),
    refusal,
    /** Feature bits by name, those that we know; empty when refused. */
    features: z.array(z.string()),
  }),
  z.strictObject({
    kind: z.literal('tap'),
    refusal,
    /** Tried only when `free`; whether one that is `down` is held cannot be seen. */
    state: z.enum(['free', 'held', 'down', 'unknown']),
    /** What TUNGETFEATURES says, by name. */
    features: z.array(z.string()),
    /** Queues that could be attached at the same time. */
    attached: z.int(),
    multiQueue: z.boolean().nullable(),
  }),
  z.strictObject({ kind: z.literal('hugepage'), refusal }),
  z.strictObject({
    kind: z.literal('hugetlb-mount'),
    refusal,
    isHugetlbfs: z.boolean(),
    pageBytes: z.number(),
    freePages: z.number(),
  }),
  z.strictObject({ kind: z.literal('mlock'), refusal }),
  z.strictObject({
    kind: z.literal('mempolicy'),
    refusals: z.array(refusal.unwrap()),
    /** What numa_available() says, which decides whether EAL makes these calls; null without libnuma. */
    numaAvailable: z.boolean().nullable(),
  }),
  z.strictObject({
    kind: z.literal('vfio-container'),
    refusal,
    apiVersion: z.int().nullable(),
    /** VFIO_TYPE1_IOMMU or v2: there is an IOMMU. */
    type1: z.boolean(),
    noIommu: z.boolean(),
  }),
  z.strictObject({ kind: z.literal('vfio-group'), refusal, viable: z.boolean().nullable() }),
])
export type ProbeAnswer = z.infer<typeof probeAnswer>
export type AnswerOf<K extends ProbeKind> = Extract<ProbeAnswer, { kind: K }>

/** From the child: that it has loaded what it needs, then one answer for each request, in order. */
export const probeReport = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('ready') }),
  z.strictObject({ type: z.literal('answer'), answer: probeAnswer }),
  /** The probe itself threw something that is no refusal: a bug of ours. */
  z.strictObject({ type: z.literal('broken'), message: z.string() }),
])
export type ProbeReport = z.infer<typeof probeReport>
