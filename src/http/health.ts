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
  return [...removed, ...standing, ...lostTaps(gauges), ...lostNeighbours(view, gauges)]
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

function lostNeighbours({ findings }: SupervisorView, gauges: readonly Sample[]): string[] {
  return gauges
    .filter(({ name, value }) => name === 'neighbour_up' && value === 0n)
    .map(({ labels: { port = '' } }) => {
      const why = whyMissing(port, findings)
      return `exception path of port ${port} is not attached: ${why === null ? 'its neighbour is waited for' : `need ${why}`}`
    })
}

/** What was found in place of a port's neighbour; null when that is not known, or it is there. */
export function whyMissing(port: string, findings: SupervisorView['findings']): string | null {
  const missing = findings.find(({ code, subject }) => code === 'neighbour-missing' && subject === `port ${port}`)
  return missing === undefined ? null : `${missing.needed}, found ${missing.found}`
}
