import type { Config } from '../config/schema.js'
import { discoverEnvironment } from '../environment/discover.js'
import type { Environment } from '../environment/types.js'
import { waitForNetworkStatus } from '../environment/wait-for-status.js'
import { needsNetworkStatus } from '../plan/network-status.js'

export interface Discovered {
  readonly environment: Environment
  /** Without the time that was waited. */
  readonly discoverMs: number
  /** Whether the network status had to be waited for, and how that ended. */
  readonly waited: 'no' | 'came' | 'late'
}

export interface WaitOptions {
  readonly root?: string
  /** Another program has to know more on its command line than `run`. */
  readonly purpose?: 'run' | 'exec'
  readonly signal?: AbortSignal
}

/**
 * Discovers, and where the plan would be another one with the network status, waits for it: Multus writes the annotation
 * while the pod is made, and the kubelet brings it into the container later. Another host's folder stays as it is.
 */
export async function discoverAndWait(
  config: Config,
  { root = '/', purpose = 'run', signal }: WaitOptions = {},
): Promise<Discovered> {
  const first = discover(config, root)
  if (root !== '/' || !needsNetworkStatus(config, first.environment, purpose)) return { ...first, waited: 'no' }
  const { folder, waitMs } = config.podInfo
  const came = await waitForNetworkStatus(folder, waitMs, signal)
  return came ? { ...discover(config, root), waited: 'came' } : { ...first, waited: 'late' }
}

function discover({ podInfo }: Config, root: string): Pick<Discovered, 'environment' | 'discoverMs'> {
  const startedMs = performance.now()
  const environment = discoverEnvironment(root, { podInfoFolder: podInfo.folder })
  return { environment, discoverMs: performance.now() - startedMs }
}
