import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Plan } from '../plan/types.js'
import { HUGEPAGES_DEADLINE_MS, HUGEPAGES_POLL_MS } from './deadlines.js'

const sizes = {
  '2Mi': { folder: 'hugepages-2048kB', mib: 2 },
  '512Mi': { folder: 'hugepages-524288kB', mib: 512 },
  '1Gi': { folder: 'hugepages-1048576kB', mib: 1024 },
}

/**
 * Waits until the pages of the worker before are free again. A host that cannot say, or where somebody else took
 * them, is not waited for beyond the deadline: the start then fails with its own, better error.
 */
export async function waitForHugepages({ memory }: Plan, signal: AbortSignal, root = '/'): Promise<void> {
  if (memory.pageSize === 'none') return
  const { folder, mib } = sizes[memory.pageSize]
  const needed = Math.ceil(memory.mib / mib)
  const file = join(root, 'sys/kernel/mm/hugepages', folder, 'free_hugepages')
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
