import { describe, expect, test } from 'vitest'
import { StallDetector } from '../../../src/supervisor/stall-detector.js'

const polls = (lcore1: bigint, lcore2: bigint) =>
  new Map([
    ['lcore 1', lcore1],
    ['lcore 2', lcore2],
  ])

describe('the stall detector', () => {
  test('names the loop that stands still, and not the one that turns', () => {
    const detector = new StallDetector({ stallMs: 300, maxStepMs: 200 })
    const seen = [0, 100, 200, 300].map((nowMs, turn) => detector.look(nowMs, polls(7n, BigInt(turn))))
    expect(seen).toEqual([[], [], [], ['lcore 1']])
  })

  test('forgives a loop that turned once in time', () => {
    const detector = new StallDetector({ stallMs: 300, maxStepMs: 200 })
    const turns = [7n, 7n, 7n, 8n, 8n, 8n]
    for (const [index, turn] of turns.entries()) expect(detector.look(index * 100, polls(turn, turn))).toEqual([])
  })

  test('blames nobody when the whole machine was paused', () => {
    const detector = new StallDetector({ stallMs: 300, maxStepMs: 200 })
    detector.look(0, polls(7n, 7n))
    expect(detector.look(3_600_000, polls(7n, 7n))).toEqual([])
    expect(detector.look(3_600_100, polls(8n, 8n))).toEqual([])
  })
})
