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
  return [...removed, ...standing, ...lostTaps(gauges)]
}

/**
 * A tap has carrier as long as somebody holds it and the link of its port is up. One that was deleted and made again can be
 * up, and is not ours.
 */
function lostTaps(gauges: readonly Sample[]): string[] {
  const without = (gauge: string): readonly Sample[] =>
    gauges.filter(({ name, value }) => name === gauge && value === 0n)
  const down = without('tap_up')
  const explained = new Set([...down, ...without('port_link_up')].map(({ labels }) => labels.port))
  const alone = without('tap_carrier').filter(({ labels }) => !explained.has(labels.port))
  const tell = (words: string, samples: readonly Sample[]): string[] =>
    samples.map(({ labels: { port, tap } }) => `exception path of port ${port} is not attached: tap ${tap} ${words}`)
  return [...tell('is down', down), ...tell('has no carrier', alone)]
}
