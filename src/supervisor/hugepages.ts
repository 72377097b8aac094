import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { pageKib } from '../environment/hugepages.js'
import type { Plan } from '../plan/types.js'
import { HUGEPAGES_DEADLINE_MS, HUGEPAGES_POLL_MS } from './deadlines.js'

/** What a process reserves at start: `plan.memory` of a worker, `plan.program.memory` of another program. */
export type ReservedMemory = Pick<Plan['memory'], 'pageSize' | 'mib'>

/**
 * Waits until the pages of the process before are free again. A host that cannot say, or where somebody else took
 * them, is not waited for beyond the deadline: the start then fails with its own, better error.
 */
export async function waitForHugepages(memory: ReservedMemory, signal: AbortSignal, root = '/'): Promise<void> {
  if (memory.pageSize === 'none') return
  const kib = pageKib(memory.pageSize)
  const needed = Math.ceil((memory.mib * 1024) / kib)
  const file = join(root, `sys/kernel/mm/hugepages/hugepages-${kib}kB/free_hugepages`)
  const deadline = performance.now() + HUGEPAGES_DEADLINE_MS
  while (freePages(file) < needed && performance.now() < deadline && !signal.aborted) await sleep(HUGEPAGES_POLL_MS)
}

function freePages(file: string): number {
  try {
    return Number(readFileSync(file, 'utf8'))
  } catch {
    return Number.POSITIVE_INFINITY
  }
}
