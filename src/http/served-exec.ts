import type { KeeperView } from '../exec/keeper.js'
import { readinessOf } from '../exec/readiness.js'
import { makeExecStatus } from '../exec/status.js'
import { renderExecTable } from '../exec/table.js'
import type { Plan } from '../plan/types.js'
import type { TelemetryView } from '../telemetry/poller.js'
import type { ServedInstance } from './instance.js'
import { renderPage } from './page.js'
import { pageLinks } from './page-links.js'
import { servedPlan } from './served-plan.js'

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
    plan: () => servedPlan(source.plan),
    checks: () => source.checks,
    page: () => renderPage('Spillway exec', renderExecTable(status()), pageLinks({ rules: false })),
  }
}
