import { Document, isScalar } from 'yaml'
import type { LoadedConfig } from './load.js'
import { plainJson } from './plain-text.js'
import { parsePath } from './walk.js'

/** A line per setting: path, value, origin. */
export function printText({ settings }: LoadedConfig): string {
  const rows = settings.map(({ path, value, origin }) => [path, plainJson(value), origin] as const)
  const width = (column: 0 | 1) => Math.min(48, Math.max(...rows.map((row) => row[column].length)))
  const [paths, values] = [width(0), width(1)]
  return rows.map(([path, value, origin]) => `${path.padEnd(paths)}  ${value.padEnd(values)}  ${origin}\n`).join('')
}

export function printJson({ config, settings }: LoadedConfig): string {
  const origins = Object.fromEntries(settings.map(({ path, origin }) => [path, origin]))
  return `${JSON.stringify({ config, origins }, null, 2)}\n`
}

/** A configuration file with the same effect; what is not a default says in a comment where it came from. */
export function printYaml({ config, settings }: LoadedConfig): string {
  // 1.1 puts quotes around what Kubernetes, which reads YAML 1.1, would take for a number or a boolean.
  const document = new Document(config, { version: '1.1' })
  for (const { path, origin } of settings) {
    const node = document.getIn(parsePath(path) ?? [], true)
    if (isScalar(node) && origin !== 'default') node.comment = ` ${origin}`
  }
  return document.toString({ lineWidth: 0, directives: false })
}
