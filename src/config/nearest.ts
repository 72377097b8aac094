/**
 * The candidate that a person most likely meant, or undefined when none is near: at most a third of the
 * letters may differ. Swapped neighbours count as one slip, as they do for fingers.
 */
export function nearest(word: string, candidates: readonly string[]): string | undefined {
  // A hostile key of a megabyte would cost minutes here and is near to nothing anyway.
  if (word.length > 64) return undefined
  let best: string | undefined
  let fewest = Math.max(1, Math.floor(word.length / 3)) + 1
  for (const candidate of candidates) {
    const slips = editDistance(word.toLowerCase(), candidate.toLowerCase())
    if (slips < fewest) {
      best = candidate
      fewest = slips
    }
  }
  return best
}

/** Optimal string alignment distance: insert, delete, replace, swap neighbours. */
export function editDistance(a: string, b: string): number {
  const rows: number[][] = [Array.from({ length: b.length + 1 }, (_, j) => j)]
  const cost = (i: number, j: number): number => rows[i]?.[j] ?? Number.POSITIVE_INFINITY
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    rows.push(row)
    for (let j = 1; j <= b.length; j++) {
      const replaced = cost(i - 1, j - 1) + (a[i - 1] === b[j - 1] ? 0 : 1)
      const swapped = a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1] ? cost(i - 2, j - 2) + 1 : Number.POSITIVE_INFINITY
      row.push(Math.min(cost(i - 1, j) + 1, cost(i, j - 1) + 1, replaced, swapped))
    }
  }
  return cost(a.length, b.length)
}
