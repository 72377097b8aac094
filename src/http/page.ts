import { redactText } from '../redact.js'

/**
 * The page for people: a live table and the way to the rest. No script, nothing to load, no secrets.
 *
 * @param links  paths and what they are
 */
export function renderPage(
  title: string,
  table: readonly string[],
  links: readonly (readonly [string, string])[],
): string {
  const items = links.map(([path, what]) => `<li><a href="${path}">${path}</a> ${escapeHtml(what)}</li>`)
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta http-equiv="refresh" content="2">
<meta name="viewport" content="width=device-width">
<title>${escapeHtml(title)}</title>
<style>body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem } pre { font: 13px/1.4 monospace; overflow: auto }</style>
<h1>${escapeHtml(title)}</h1>
<pre>${escapeHtml(table.map(redactText).join('\n'))}</pre>
<ul>${items.join('')}</ul>
</html>
`
}

function escapeHtml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')
}
