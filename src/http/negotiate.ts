import type { MetricsFormat } from '../metrics/exporter.js'

/**
 * Which format an Accept header asks for. OpenMetrics only where it is named and weighs at least as much as plain
 * text: a browser, curl and an old Prometheus get the text.
 */
export function negotiateFormat(accept: string | undefined): MetricsFormat {
  if (accept === undefined) return 'text'
  const weights = { openMetrics: 0, text: 0 }
  for (const part of accept.slice(0, LONGEST_ACCEPT).split(',')) {
    const [type = '', ...parameters] = part.split(';').map((piece) => piece.trim().toLowerCase())
    const weight = weightOf(parameters)
    if (type === 'application/openmetrics-text' && speaksOurVersion(parameters))
      weights.openMetrics = Math.max(weights.openMetrics, weight)
    if (type === 'text/plain') weights.text = Math.max(weights.text, weight)
  }
  return weights.openMetrics > 0 && weights.openMetrics >= weights.text ? 'openMetrics' : 'text'
}

/** Prometheus sends about 200 characters. */
const LONGEST_ACCEPT = 1024

function weightOf(parameters: readonly string[]): number {
  const weight = parameters.find((parameter) => parameter.startsWith('q='))
  if (weight === undefined) return 1
  const value = Number(weight.slice(2))
  return value >= 0 && value <= 1 ? value : 0
}

function speaksOurVersion(parameters: readonly string[]): boolean {
  const version = parameters.find((parameter) => parameter.startsWith('version='))
  return version === undefined || version === 'version=1.0.0' || version === 'version=0.0.1'
}
