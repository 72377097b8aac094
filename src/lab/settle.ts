import { setTimeout as sleep } from 'node:timers/promises'
import type { Status } from '../http/status.js'
import type { Instance } from './instance.js'

const quietMs = 200
/** Kernels say something to each other now and then (neighbours, routers): silence need not be perfect. */
const deadlineMs = 3_000

/** Waits until what was under way has arrived: two readings with the same totals, or the deadline. */
export async function settledStatus(instance: Pick<Instance, 'status'>): Promise<Status> {
  const deadline = Date.now() + deadlineMs
  let before = await instance.status()
  for (;;) {
    await sleep(quietMs)
    const after = await instance.status()
    if (totals(before) === totals(after) || Date.now() > deadline) return after
    before = after
  }
}

function totals({ ports }: Status): string {
  // Without the device's own figures: they are refreshed every 250 ms.
  return JSON.stringify(ports.map(({ totals: { device: _, ...ours } }) => ours))
}
