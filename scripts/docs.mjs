// Writes the pages of docs/ that come from tables in the code. Tests fail when one is stale.
import { existsSync, writeFileSync } from 'node:fs'

const pages = [
  { page: 'docs/configuration.md', module: 'dist/config/reference.js', render: 'renderReference' },
  { page: 'docs/spillway.schema.json', module: 'dist/config/reference.js', render: 'renderJsonSchema' },
  { page: 'docs/metrics.md', module: 'dist/metrics/reference.js', render: 'renderMetricsReference' },
]

const root = new URL('../', import.meta.url)
for (const { page, module, render } of pages) {
  if (!existsSync(new URL(module, root))) continue
  const exported = await import(new URL(module, root).href)
  writeFileSync(new URL(page, root), exported[render]())
  process.stdout.write(`${page}\n`)
}
