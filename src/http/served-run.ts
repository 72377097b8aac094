import type { ChecksReport } from '../preflight/refuse.js'
import { withRunning } from '../running/with-running.js'
import { renderTable } from '../top/table.js'
import type { ServedInstance } from './instance.js'
import { makeStatus, type StatusSource } from './make-status.js'
import { renderPage } from './page.js'
import { pageLinks } from './page-links.js'
import { servedPlan } from './served-plan.js'
import { servedRules } from './served-rules.js'

/** A supervisor with its worker, as HTTP shows it. */
export function servedRun(source: StatusSource, version: string, checks: ChecksReport): ServedInstance {
  const status = () => makeStatus(source, version)
  return {
    readiness: () => {
      const { ready, notReady, state } = status()
      return { ready, state, reasons: notReady }
    },
    status,
    plan: () => servedPlan(source.view.plan),
    checks: () => ({ ...checks, findings: withRunning(checks.findings, source.view) }),
    rules: () => servedRules(source.view.rules),
    page: () => renderPage('Spillway', renderTable(status(), { width: 200 }), pageLinks({ rules: true })),
  }
}
