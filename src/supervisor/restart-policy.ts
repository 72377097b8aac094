export interface RestartSettings {
  /** Wait before the second restart in a row; it doubles with each one after. The first is immediate. */
  readonly delayMs: number
  readonly maxDelayMs: number
  /** So many deaths in a row and the supervisor gives up. */
  readonly maxInARow: number
  /** A worker that forwarded for so long was well: the next death is the first one again. */
  readonly healthyMs: number
}

export type Decision =
  | { readonly action: 'restart'; readonly delayMs: number; readonly inARow: number }
  | { readonly action: 'giveUp'; readonly inARow: number }

/** What to do after a death, given the deaths before it and how long this worker had been forwarding. */
export function afterDeath(settings: RestartSettings, inARowBefore: number, forwardedMs: number): Decision {
  const inARow = forwardedMs >= settings.healthyMs ? 1 : inARowBefore + 1
  if (inARow >= settings.maxInARow) return { action: 'giveUp', inARow }
  const delayMs = inARow === 1 ? 0 : Math.min(settings.maxDelayMs, settings.delayMs * 2 ** (inARow - 2))
  return { action: 'restart', delayMs, inARow }
}
