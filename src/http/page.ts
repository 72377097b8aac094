import { renderTable } from '../top/table.js'
import type { Status } from './status.js'

const links: readonly (readonly [path: string, what: string])[] = [
  ['/metrics', 'for Prometheus'],
  ['/readyz', 'whether traffic should come here, and why not'],
  ['/livez', 'whether the supervisor answers'],
  ['/api/v1/status', 'everything, as JSON'],
  ['/api/v1/plan', 'what was decided at start, and why'],
  ['/api/v1/rules', 'the rule list in force'],
]

/** The page for people: the live table and the way to the rest. No script, nothing to load. */
export function renderPage(status: Status): string {
  const items = links.map(([path, what]) => `<li><a href="${path}">${path}</a> ${escapeHtml(what)}</li>`)
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta http-equiv="refresh" content="2">
<meta name="viewport" content="width=device-width">
<title>Spillway</title>
<style>body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem } pre { font: 13px/1.4 monospace; overflow: auto }</style>
<h1>Spillway</h1>
<pre>${escapeHtml(renderTable(status, { width: 200 }).join('\n'))}</pre>
<ul>${items.join('')}</ul>
</html>
`
}

function escapeHtml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')
}
