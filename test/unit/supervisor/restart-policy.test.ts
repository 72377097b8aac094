import { describe, expect, test } from 'vitest'
import { afterDeath, type RestartSettings } from '../../../src/supervisor/restart-policy.js'

const settings: RestartSettings = {
  maxFailures: 5,
  healthyAfterMs: 10_000,
  backoffInitialMs: 50,
  backoffMaxMs: 150,
}

describe('after a death', () => {
  test('waits twice as long each time, up to the limit, and then gives up', () => {
    const decisions = [0, 1, 2, 3, 4].map((before) => afterDeath(settings, before, 0))
    expect(decisions).toEqual([
      { action: 'restart', delayMs: 50, inARow: 1 },
      { action: 'restart', delayMs: 100, inARow: 2 },
      { action: 'restart', delayMs: 150, inARow: 3 },
      { action: 'restart', delayMs: 150, inARow: 4 },
      { action: 'giveUp', inARow: 5 },
    ])
  })

  test('starts counting again when the worker had been well', () => {
    expect(afterDeath(settings, 4, 10_000)).toEqual({ action: 'restart', delayMs: 50, inARow: 1 })
    expect(afterDeath(settings, 4, 9_999)).toEqual({ action: 'giveUp', inARow: 5 })
  })

  test('gives up at once when one death is too many', () => {
    expect(afterDeath({ ...settings, maxFailures: 1 }, 0, 60_000)).toEqual({ action: 'giveUp', inARow: 1 })
  })
})
