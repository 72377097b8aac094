import { z } from 'zod'
import { nearest } from '../config/nearest.js'
import { SpillwayError } from '../errors.js'
import { capturePoints } from '../ipc/messages.js'
import { nativeDropReasons } from '../metrics/sources.js'

/** What somebody wants to see. Numbers that are 0 are no limit. */
export interface CaptureRequest {
  /** Names of ports; empty for all. */
  readonly ports: readonly string[]
  readonly points: readonly (typeof capturePoints)[number][]
  /** Which drops; all of them when `dropped` came without a reason. */
  readonly reasons: readonly string[]
  /** pcap-filter(7); null takes every packet. */
  readonly filter: string | null
  /** Bytes of a packet; null for the longest that the ports carry. */
  readonly snaplen: number | null
  readonly sample: number
  /** Packets a second from each lcore and exception thread. */
  readonly pps: number
  readonly count: number
  readonly seconds: number
}

/** Enough to look at, and nothing that a polling lcore would feel. */
export const defaultPps = 10_000
/** What passes between the port and the kernel. */
export const defaultWhere = ['punted', 'injected'] as const

/** Of DP_CAPTURE_MAX_SNAPLEN in native/dataplane/dataplane.h. */
export const longestSnaplen = 16_384

const list = z.union([z.string(), z.array(z.string())]).transform((value) => (Array.isArray(value) ? value : [value]))
const number = (least: number, most: number) => z.coerce.number().int().min(least).max(most)

const querySchema = z.strictObject({
  port: list.default([]),
  where: list.default([...defaultWhere]),
  filter: z
    .string()
    .max(4096)
    .refine((text) => text.trim() !== '' && !/\p{Cc}/u.test(text))
    .optional(),
  snaplen: number(16, longestSnaplen).optional(),
  sample: number(1, 1_000_000).default(1),
  pps: number(0, 10_000_000).default(defaultPps),
  count: number(0, 4_000_000_000).default(0),
  seconds: number(0, 1_000_000).default(0),
})

/** The query of `GET /api/v1/capture`, in words for who asks. */
export type CaptureQuery = z.input<typeof querySchema>

/**
 * @param query  as it came
 * @param portNames  those of the plan
 * @throws SpillwayError `ERR_USAGE` that says what was expected
 */
export function parseCaptureRequest(query: unknown, portNames: readonly string[]): CaptureRequest {
  const parsed = querySchema.safeParse(query)
  if (!parsed.success) throw refusal(parsed.error)
  const { port: ports, where, filter = null, snaplen = null, sample, pps, count, seconds } = parsed.data
  for (const port of ports) {
    if (!portNames.includes(port)) throw unknown('port', port, portNames)
  }
  return { ports, ...parsePlaces(where), filter, snaplen, sample, pps, count, seconds }
}

function parsePlaces(where: readonly string[]): Pick<CaptureRequest, 'points' | 'reasons'> {
  const points = new Set<(typeof capturePoints)[number]>()
  const reasons = new Set<string>()
  const known = Object.keys(nativeDropReasons)
  for (const place of where.flatMap((text) => text.split(','))) {
    const [name = '', reason] = place.split(/:(.*)/s)
    const point = capturePoints.find((candidate) => candidate === name)
    if (point === undefined || (reason !== undefined && point !== 'dropped')) {
      throw unknown('where', place, [...capturePoints, 'dropped:REASON'])
    }
    if (reason !== undefined && !known.includes(reason)) throw unknown('reason', reason, known)
    points.add(point)
    if (point === 'dropped') for (const one of reason === undefined ? known : [reason]) reasons.add(one)
  }
  return { points: [...points], reasons: [...reasons] }
}

function unknown(what: string, found: string, known: readonly string[]): SpillwayError {
  const meant = nearest(found, known)
  const guess = meant === undefined ? '' : `, did you mean ${meant}?`
  return new SpillwayError(
    'ERR_USAGE',
    `${what}: expected one of ${known.join(', ')}, found ${JSON.stringify(found)}${guess}`,
  )
}

function refusal({ issues }: z.ZodError): SpillwayError {
  const lines = issues.map(({ path, message }) => `${path.join('.') || 'query'}: ${message}`)
  return new SpillwayError('ERR_USAGE', lines.join('\n'), { hint: '`spillway capture --help` shows what can be asked' })
}
