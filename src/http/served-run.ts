import { renderTable } from '../top/table.js'
import type { ServedInstance } from './instance.js'
import { makeStatus, type StatusSource } from './make-status.js'
import { renderPage } from './page.js'

/** A supervisor with its worker, as HTTP shows it. */
export function servedRun(source: StatusSource, version: string, checks: object): ServedInstance {
  const status = () => makeStatus(source, version)
  return {
    readiness: () => {
      const { ready, notReady, state } = status()
      return { ready, state, reasons: notReady }
    },
    status,
    plan: () => {
      const { memory, ...plan } = source.view.plan
      const { prefill, ...rest } = memory
      return { ...plan, memory: prefill ? { ...rest, prefillBytes: prefill.length } : rest }
    },
    checks: () => checks,
    rules: () => {
      const { generation, refused, lastRefusal, inForce } = source.view.rules
      return { generation, refused, lastRefusal, inForce }
    },
    page: () => renderPage('Spillway', renderTable(status(), { width: 200 }), pageLinks),
  }
}

const pageLinks: readonly (readonly [path: string, what: string])[] = [
  ['/metrics', 'for Prometheus'],
  ['/readyz', 'whether traffic should come here, and why not'],
  ['/livez', 'whether the supervisor answers'],
  ['/api/v1/status', 'everything, as JSON'],
  ['/api/v1/plan', 'what was decided at start, and why'],
  ['/api/v1/checks', 'what was checked before the start'],
  ['/api/v1/rules', 'the rule list in force'],
  ['/api/v1/log', 'the last lines of the log'],
]
