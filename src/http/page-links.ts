type PageLink = readonly [path: string, what: string]

/** What an instance serves beside its page. */
export function pageLinks({ rules }: { readonly rules: boolean }): readonly PageLink[] {
  return [
    ['/metrics', 'for Prometheus'],
    ['/readyz', 'whether traffic should come here, and why not'],
    ['/livez', 'whether the supervisor answers'],
    ['/api/v1/status', 'everything, as JSON'],
    ['/api/v1/plan', 'what was decided at start, and why'],
    ['/api/v1/checks', 'what was checked before the start'],
    ...(rules ? [['/api/v1/rules', 'the rule list in force'] as const] : []),
    ['/api/v1/log', 'the last lines of the log'],
  ]
}
