import type { PortConfig } from '../../config/schema.js'
import { isForTap } from '../../config/terms.js'
import type { Netdev, NetworkStatus } from '../../environment/types.js'
import type { PlannedPort } from '../../plan/types.js'
import type { CheckInput } from '../types.js'

/** A port that wants a way to the kernel, and the tap it wants. */
export interface WantedTap {
  readonly port: PlannedPort
  /** Its settings; undefined for a port that nobody configured. */
  readonly configured: PortConfig | undefined
  /** Its name; null when nobody named one and the plan found none. */
  readonly tap: string | null
  /** The netdev of that name. */
  readonly netdev: Netdev | undefined
  /** What network-status says about it. */
  readonly status: NetworkStatus | undefined
}

/** Ports with their taps, also those that the plan had to give up. */
export function wantedTaps({ config, environment, plan }: CheckInput): WantedTap[] {
  return plan.ports.flatMap((port) => {
    const configured = config.ports.find(({ name }) => name === port.name)
    if (configured !== undefined && !isForTap(configured.exception.backend)) return []
    const named = configured?.exception.tap ?? 'auto'
    const tap = port.exception.tap || (named === 'auto' ? null : named)
    const netdev = environment.netdevs.find(({ name }) => name === tap)
    const status = environment.pod.status?.find((entry) => entry.netdev === tap && entry.device === null)
    return [{ port, configured, tap, netdev, status }]
  })
}

/** Those whose netdev is there and known to be a tap. */
export function presentTaps(input: CheckInput): (WantedTap & { tap: string; netdev: Netdev })[] {
  return wantedTaps(input).flatMap((wanted) =>
    wanted.tap !== null && wanted.netdev?.kind === 'tap' ? [{ ...wanted, tap: wanted.tap, netdev: wanted.netdev }] : [],
  )
}
