import { discoverEnvironment } from '../environment/discover.js'
import type { Status } from '../http/status.js'
import { narrowAffinity } from '../supervisor/affinity.js'

const loopback = ['127.0.0.1', 'localhost', '[::1]']

/**
 * Moves this process off the CPUs that poll for the instance it looks at: `kubectl exec` starts it on any CPU of the
 * pod, and every millisecond there is a millisecond in which an lcore receives nothing. An instance elsewhere has
 * other CPUs.
 */
export async function keepOffPollingCpus(url: string, { lcores }: Status): Promise<void> {
  if (!loopback.includes(new URL(url).hostname)) return
  const polling = new Set(lcores.map(({ cpuId }) => cpuId))
  const others = discoverEnvironment().cpus.allowed.filter((cpu) => !polling.has(cpu))
  // Looking on from the wrong CPU is better than not looking.
  if (others.length > 0) await narrowAffinity(others).catch(() => {})
}
