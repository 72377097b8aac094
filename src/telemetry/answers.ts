import { z } from 'zod'

/*
 * What DPDK answers, from 22.11 on. Only what is used is asked for; a field that is missing, or of another type than it
 * should be, costs that field and nothing else. Whatever the program says ends in labels and numbers of /metrics:
 * names are bounded and made whole (JSON can carry half of a surrogate pair, UTF-8 cannot), numbers are finite.
 */

const LONGEST_NAME = 128
const MOST_ENTRIES = 8_192

/** A name as a label can carry it. */
const name = z
  .string()
  .min(1)
  .max(LONGEST_NAME)
  .transform((text) => Buffer.from(text).toString())

const count = z.number().nonnegative()
const optionalCount = count.nullable().catch(null)
const optionalId = z.int().min(-1).nullable().catch(null)
const optionalFlag = z.union([z.number(), z.boolean()]).transform(Number).nullable().catch(null)
const list = <T>(item: z.ZodType<T>, most: number) => z.array(item).max(most)

/** What the peer says first. */
export const greeting = z.object({
  version: z.string().max(LONGEST_NAME).catch(''),
  pid: z.int().nonnegative().catch(0),
  max_output_len: z.int().positive().catch(16_384),
})
export type Greeting = z.infer<typeof greeting>

export const commands = list(z.string(), MOST_ENTRIES)
export const portIds = list(z.int().min(0).max(65_535), 256)
export const heapIds = list(z.int().min(0).max(255), 64)
export const poolNames = list(z.string().min(1).max(LONGEST_NAME), 256)

export const portInfo = z.object({
  name,
  mac_addr: z.string().max(32).catch(''),
  mtu: optionalCount,
  nb_rx_queues: optionalCount,
  nb_tx_queues: optionalCount,
  numa_node: optionalId,
  dev_configured: optionalFlag,
  dev_started: optionalFlag,
})
export type PortInfo = z.infer<typeof portInfo>

export const portStats = z.object({
  ipackets: optionalCount,
  opackets: optionalCount,
  ibytes: optionalCount,
  obytes: optionalCount,
  imissed: optionalCount,
  ierrors: optionalCount,
  oerrors: optionalCount,
  rx_nombuf: optionalCount,
})
export type PortStats = z.infer<typeof portStats>

export const linkStatus = z.object({ status: z.string().max(32), speed: optionalCount })
export type LinkStatus = z.infer<typeof linkStatus>

export const xstats = z
  .record(z.string(), z.unknown())
  .refine((entries) => Object.keys(entries).length <= MOST_ENTRIES)
  .transform((entries) =>
    Object.entries(entries).flatMap(([key, value]): [string, number][] => {
      const parsed = name.safeParse(key)
      return parsed.success && typeof value === 'number' ? [[parsed.data, value]] : []
    }),
  )

/** Used and total are of one answer, so that used is never more than total. */
export const heapInfo = z
  .object({
    Name: name,
    Heap_size: count,
    Free_size: count,
    Alloc_size: optionalCount,
    Greatest_free_size: optionalCount,
  })
  .transform(({ Name, Heap_size, Free_size, Greatest_free_size }) => ({
    name: Name,
    totalBytes: Heap_size,
    usedBytes: Math.max(0, Heap_size - Free_size),
    greatestFreeBytes: Greatest_free_size,
  }))
export type HeapInfo = z.infer<typeof heapInfo>

export const poolInfo = z
  .object({
    name,
    size: count,
    populated_size: optionalCount,
    elt_size: optionalCount,
    socket_id: optionalId,
    /** From 23.03 on: free ones in the pool and in the caches of lcores. */
    common_pool_count: optionalCount,
    total_cache_count: optionalCount,
  })
  .transform(({ name: pool, size, populated_size, common_pool_count, total_cache_count }) => {
    const total = populated_size ?? size
    const known = common_pool_count !== null && total_cache_count !== null
    // The two are counted one after the other while the pool is in use: together they can pass the size.
    const free = known ? Math.min(total, common_pool_count + total_cache_count) : null
    return { name: pool, objects: total, inUse: free === null ? null : total - free }
  })
export type PoolInfo = z.infer<typeof poolInfo>

/** From 23.03 on, and only of lcores whose program counts its cycles. */
export const lcoreUsage = z
  .object({
    lcore_ids: list(z.int().nonnegative(), 1024),
    total_cycles: list(count, 1024),
    busy_cycles: list(count, 1024),
  })
  .transform(({ lcore_ids, total_cycles, busy_cycles }) =>
    lcore_ids.flatMap((lcoreId, i) => {
      const total = total_cycles[i]
      const busy = busy_cycles[i]
      return total === undefined || busy === undefined ? [] : [{ lcoreId, total, busy: Math.min(busy, total) }]
    }),
  )
export type LcoreUsage = z.infer<typeof lcoreUsage>[number]

/**
 * Takes the answer out of its wrapping, `{"/ethdev/stats": …}`.
 *
 * @returns null when it is no JSON (cut off, say), when DPDK has nothing to say (`null`), or when it is not what was asked for.
 */
export function readAnswer<T>(schema: z.ZodType<T>, command: string, text: string): T | null {
  const parsed = schema.safeParse(unwrap(command, text))
  return parsed.success ? parsed.data : null
}

/** Whether DPDK has nothing to say: no such port, or the driver refused. */
export function isNothing(command: string, text: string): boolean {
  return unwrap(command, text) === null && text.endsWith('null}')
}

/** Newer versions repeat the parameters in the key, older ones do not. */
function unwrap(command: string, text: string): unknown {
  try {
    const whole: unknown = JSON.parse(text)
    if (typeof whole !== 'object' || whole === null) return null
    const [path = command] = command.split(',')
    const key = [path, command].find((each) => Object.hasOwn(whole, each))
    return key === undefined ? null : (whole as Record<string, unknown>)[key]
  } catch {
    return null
  }
}

export function readGreeting(text: string): Greeting | null {
  try {
    const parsed = greeting.safeParse(JSON.parse(text))
    return parsed.success ? parsed.data : null
  } catch {
    return null
  }
}
