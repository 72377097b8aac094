import { z } from 'zod'

/** What the lab's programs tell the lab over their IPC channel. Programs import the types only: they start faster. */

export const httpServerReport = z.strictObject({ type: z.literal('listening'), addresses: z.array(z.string()) })
export type HttpServerReport = z.infer<typeof httpServerReport>

export const directions = ['download', 'upload'] as const
export type Direction = (typeof directions)[number]

export const httpClientReport = z.discriminatedUnion('type', [
  /** A transfer whose bytes arrived and whose sha256 was right. */
  z.strictObject({
    type: z.literal('transferred'),
    direction: z.enum(directions),
    host: z.string(),
    bytes: z.int(),
    milliseconds: z.number(),
  }),
  z.strictObject({
    type: z.literal('failed'),
    direction: z.enum(directions),
    host: z.string(),
    message: z.string(),
  }),
])
export type HttpClientReport = z.infer<typeof httpClientReport>

/** Datagrams the kernel took since the sender started. */
export const udpSenderReport = z.strictObject({ type: z.literal('sent'), datagrams: z.int() })
export type UdpSenderReport = z.infer<typeof udpSenderReport>
