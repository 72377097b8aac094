import type { Config } from '../config/schema.js'

export type RestartSettings = Config['restart']

export type Decision =
  | { readonly action: 'restart'; readonly delayMs: number; readonly inARow: number }
  | { readonly action: 'giveUp'; readonly inARow: number }

/** What to do after a death, given the deaths in a row before it and how long this worker had been forwarding. */
export function afterDeath(settings: RestartSettings, inARowBefore: number, forwardedMs: number): Decision {
  const inARow = forwardedMs >= settings.healthyAfterMs ? 1 : inARowBefore + 1
  if (inARow >= settings.maxFailures) return { action: 'giveUp', inARow }
  const delayMs = Math.min(settings.backoffMaxMs, settings.backoffInitialMs * 2 ** (inARow - 1))
  return { action: 'restart', delayMs, inARow }
}
