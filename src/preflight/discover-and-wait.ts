import type { Config } from '../config/schema.js'
import { discoverEnvironment } from '../environment/discover.js'
import type { Environment } from '../environment/types.js'

export interface Discovered {
  readonly environment: Environment
  readonly discoverMs: number
  /** Whether the network status had to be waited for, and how that ended. */
  readonly waited: 'no' | 'came' | 'late'
}

export async function discoverAndWait(_config: Config, root = '/', _signal?: AbortSignal): Promise<Discovered> {
  const startedMs = performance.now()
  const environment = discoverEnvironment(root)
  return { environment, discoverMs: performance.now() - startedMs, waited: 'no' }
}
