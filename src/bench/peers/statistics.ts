/** The middle of the sorted values; of two middles their mean. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = Math.floor(sorted.length / 2)
  const [low = Number.NaN, high = Number.NaN] = [sorted[Math.ceil(sorted.length / 2) - 1], sorted[middle]]
  return (low + high) / 2
}

/** The value below which the given share of the values lies, by nearest rank. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN
}

export interface Interval {
  readonly low: number
  readonly high: number
}

/**
 * The 95 % confidence interval of the median from order statistics. It assumes nothing about the distribution:
 * a round is above the true median with probability 1/2, so the binomial distribution says which ranks enclose it.
 *
 * @throws RangeError below 6 values, where not even the extremes enclose the median with 95 %.
 */
export function medianInterval95(values: readonly number[]): Interval {
  const sorted = [...values].sort((a, b) => a - b)
  const rank = lowerRank(sorted.length)
  const [low, high] = [sorted[rank - 1], sorted[sorted.length - rank]]
  if (rank < 1 || low === undefined || high === undefined)
    throw new RangeError(`need 6 rounds or more for a 95 % interval, found ${sorted.length}`)
  return { low, high }
}

/** The largest k for which fewer than k of n fair coins are heads with a probability of at most 2.5 %. */
function lowerRank(n: number): number {
  let chance = 0.5 ** n
  let cumulative = chance
  let k = 0
  while (cumulative <= 0.025) {
    k++
    chance = (chance * (n - k + 1)) / k
    cumulative += chance
  }
  return k
}
