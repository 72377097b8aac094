import { fileURLToPath } from 'node:url'
import { z } from 'zod'
import { runCommand } from '../../lab/commands.js'

/** native/test/overload_bench.c, which prints an object a line. */
const program = fileURLToPath(new URL('../../../build/Release/spillway-overload-bench', import.meta.url))

/** Cycles of the lcore for a packet, by what the rules do with it. */
const costRound = z.object({
  round: z.int(),
  forward: z.number(),
  /** Shed by its rule's limit, because the exception thread does not keep up, or by a rule that says drop. */
  rule_limit: z.number(),
  exception_ring_full: z.number(),
  rule: z.number(),
})
export type CostRound = z.infer<typeof costRound>

/** With what the sample of punt_stamp.h costs a packet, in bursts of 1 and of 32. */
const nullRound = costRound.extend({ stamp1: z.number(), stamp32: z.number() })
export type NullRound = z.infer<typeof nullRound>

const curveRound = z.object({
  round: z.int(),
  /** What bounds the flood: the limit of its rule, or the total one. */
  limit: z.enum(['rule', 'total']),
  flood_pps: z.int(),
  fast: z.int(),
  forwarded: z.int(),
  flood: z.int(),
  refused: z.int(),
  punted: z.int(),
  rule_limit: z.int(),
  exception_limit: z.int(),
  exception_ring_full: z.int(),
  mbufs: z.int(),
  seconds: z.number(),
  /** Share of the lcore's CPU time in turns that had packets. */
  busy: z.number(),
})
export type CurveRound = z.infer<typeof curveRound>

export const measureNullCost = (rounds: number): Promise<NullRound[]> => measure('cost', rounds, nullRound)
export const measureVethCost = (rounds: number): Promise<CostRound[]> => measure('veth', rounds, costRound)
export const measureCurve = (rounds: number): Promise<CurveRound[]> => measure('curve', rounds, curveRound)

async function measure<T>(part: string, rounds: number, schema: z.ZodType<T>): Promise<T[]> {
  const output = await runCommand([program, part, String(rounds)])
  const lines = output.split('\n').filter((line) => line.startsWith('{'))
  return lines.map((line) => schema.parse(JSON.parse(line)))
}
