import type { TelemetryView } from '../telemetry/poller.js'
import type { KeeperView } from './keeper.js'

/**
 * Ready: the program runs, answers on its telemetry socket, and has started a port, if it has any. More cannot be seen
 * from outside. One that was told --no-telemetry is ready when it runs.
 */
export function readinessOf(view: KeeperView, telemetry: TelemetryView) {
  const reasons = reasonsNotReady(view, telemetry)
  return { ready: reasons.length === 0, state: view.state, reasons }
}

function reasonsNotReady({ state, args }: KeeperView, { up, reading, problem }: TelemetryView): string[] {
  if (state !== 'running') return [`the program does not run: ${state}`]
  if (args.includes('--no-telemetry')) return []
  if (!up || reading === null) {
    return [`the program does not answer on its telemetry socket${problem === null ? '' : `: ${problem}`}`]
  }
  const started = reading.ports.some(({ info }) => info.dev_started !== 0)
  return started || reading.ports.length === 0 ? [] : ['the program has started none of its ports']
}
