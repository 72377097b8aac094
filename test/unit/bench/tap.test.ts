import { describe, expect, test } from 'vitest'
import { printTapComparisons } from '../../../src/bench/peers/report.js'
import type { TapComparison } from '../../../src/bench/peers/tap.js'
import { bulkFrames, mixedFrames, pcapFile } from '../../../src/bench/peers/tap-frames.js'
import type { TapRound } from '../../../src/bench/peers/tap-rounds.js'

function round(packetsPerSecond: number, framesPerSecond = packetsPerSecond): TapRound {
  return { packetsPerSecond, framesPerSecond }
}

function row(title: string, reach: number, spillway: TapRound, netTap: TapRound): TapComparison {
  const ratioMedian = spillway.packetsPerSecond / netTap.packetsPerSecond
  const ratioInterval95 = { low: ratioMedian * 0.9, high: ratioMedian * 1.1 }
  return { title, reach, spillway: [spillway], netTap: [netTap], ratioMedian, ratioInterval95 }
}

describe('the comparison with net_tap', () => {
  test('is a table of medians in wire packets, and says what was reached', async () => {
    const rows = [
      row('mixed flows to the kernel', 1, round(1_300_000), round(1_250_000)),
      row('one bulk flow to the kernel', 5, round(3_970_000, 88_000), round(1_190_000)),
    ]
    await expect(`${printTapComparisons(rows)}\n`).toMatchFileSnapshot('../../golden/bench/tap.txt')
  })
})

/** Adds up 16-bit words; a right checksum makes it 0xffff. */
function sum(bytes: Buffer): number {
  const even = bytes.length % 2 === 0 ? bytes : Buffer.concat([bytes, Buffer.alloc(1)])
  let total = 0
  for (let i = 0; i < even.length; i += 2) total += even.readUInt16BE(i)
  while (total > 0xffff) total = (total & 0xffff) + (total >>> 16)
  return total
}

function pseudoHeader(frame: Buffer): Buffer {
  const tail = Buffer.from([0, frame[23] ?? 0, 0, 0])
  tail.writeUInt16BE(frame.length - 34, 2)
  return Buffer.concat([frame.subarray(26, 34), tail])
}

describe('the frames that are sent', () => {
  test.each([
    ['mixed', mixedFrames()],
    ['bulk', bulkFrames()],
  ])('%s: have right checksums', (_, frames) => {
    for (const frame of frames) {
      expect(sum(frame.subarray(14, 34))).toBe(0xffff)
      expect(sum(Buffer.concat([pseudoHeader(frame), frame.subarray(34)]))).toBe(0xffff)
    }
  })

  test('of the bulk flow follow one another, those of mixed flows are each of another', () => {
    const bulk = bulkFrames()
    const sequence = bulk.map((frame) => frame.readUInt32BE(38))
    expect(sequence.slice(1).every((seq, i) => seq - (sequence[i] ?? 0) === 1448)).toBe(true)
    const sources = new Set(mixedFrames().map((frame) => frame.toString('hex', 26, 34)))
    expect(sources.size).toBe(mixedFrames().length)
  })

  test('are in a pcap file one after the other', () => {
    const [first, second] = [Buffer.alloc(60, 1), Buffer.alloc(1514, 2)]
    const file = pcapFile([first, second])
    expect(file.readUInt32LE(0)).toBe(0xa1b2c3d4)
    expect(file.readUInt32LE(24 + 8)).toBe(60)
    expect(file.subarray(40, 100)).toEqual(first)
    expect(file.subarray(116)).toEqual(second)
  })
})
