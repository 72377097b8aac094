/** Samples of a Prometheus text page, by name with labels. */
export function parseMetrics(page: string): Map<string, number> {
  const samples = new Map<string, number>()
  for (const line of page.split('\n')) {
    const match = /^([a-zA-Z_:][\w:]*(?:\{.*\})?) (\S+)$/.exec(line)
    if (match?.[1] !== undefined) samples.set(match[1], Number(match[2]))
  }
  return samples
}

/** Counters of `after` that are smaller than in `before`, or gone. */
export function fallenCounters(before: Map<string, number>, after: Map<string, number>): string[] {
  return [...before]
    .filter(([name]) => /_total(\{|$)/.test(name))
    .filter(([name, value]) => !((after.get(name) ?? Number.NaN) >= value))
    .map(([name, value]) => `${name}: ${value}, then ${after.get(name)}`)
}
