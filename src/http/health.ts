import type { Sample } from '../stats/series.js'
import type { SupervisorView } from '../supervisor/supervisor.js'

/**
 * Why traffic should not come here now; empty when it should. A port whose link is down is a state, not a reason:
 * nothing here would mend it.
 *
 * @param standingLcores  lcores that made no turn in the last whole interval
 */
export function reasonsNotReady(
  view: SupervisorView,
  gauges: readonly Sample[],
  standingLcores: readonly string[],
): string[] {
  if (view.state !== 'running') return [`not forwarding: ${view.state}`]
  const removed = view.removedPorts.map((port) => `port ${port} was removed`)
  const standing = standingLcores.map((lcore) => `lcore ${lcore} makes no progress`)
  const taps = gauges
    .filter(({ name, value }) => name === 'tap_up' && value === 0n)
    .map(({ labels }) => `exception path of port ${labels.port} is not attached: tap ${labels.tap} is down`)
  return [...removed, ...standing, ...taps]
}
