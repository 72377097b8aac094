import type { ServedInstance } from '../http/instance.js'
import { renderPage } from '../http/page.js'
import type { Plan } from '../plan/types.js'
import type { TelemetryView } from '../telemetry/poller.js'
import type { KeeperView } from './keeper.js'
import { readinessOf } from './readiness.js'
import { makeExecStatus } from './status.js'
import { renderExecTable } from './table.js'

export interface ExecSource {
  readonly plan: Plan
  readonly version: string
  readonly checks: object
  readonly keeper: { readonly view: KeeperView }
  readonly telemetry: { readonly view: TelemetryView }
}

/** A program that runs under the plan, as HTTP shows it. */
export function servedExec(source: ExecSource): ServedInstance {
  const status = () => makeExecStatus(source.version, source.keeper.view, source.telemetry.view)
  return {
    readiness: () => readinessOf(source.keeper.view, source.telemetry.view),
    status,
    plan: () => source.plan,
    checks: () => source.checks,
    page: () => renderPage('Spillway exec', renderExecTable(status()), pageLinks),
  }
}

const pageLinks: readonly (readonly [path: string, what: string])[] = [
  ['/metrics', 'for Prometheus'],
  ['/readyz', 'whether traffic should come here, and why not'],
  ['/livez', 'whether the supervisor answers'],
  ['/api/v1/status', 'everything, as JSON'],
  ['/api/v1/plan', 'what was decided at start, and why'],
  ['/api/v1/checks', 'what was checked before the start'],
  ['/api/v1/log', 'the last lines of the log'],
]
