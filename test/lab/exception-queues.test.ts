import { afterEach, describe, expect, test } from 'vitest'
import type { Settings } from '../../src/lab/lab-config.js'
import { settledStatus } from '../../src/lab/settle.js'
import { labNetwork } from '../../src/lab/topology.js'
import { expectAccounted } from '../accounted.js'
import { eventually } from '../eventually.js'
import { captureFrames, sendFrames } from './frames.js'
import { alsoClose, closeLabs, type Lab, readyLab } from './lab-fixture.js'
import { parseMetrics } from './prometheus.js'
import { readUdpFrame, udpFrame } from './udp-frame.js'

afterEach(closeLabs)

const destinationPort = 5000

/** Nothing but the test's own datagrams is punted, so that it can count exactly. */
function twoQueues(settings: Settings): Settings {
  const [port] = settings.ports as [{ exception: object }]
  return {
    ...settings,
    ports: [{ ...port, exception: { ...port.exception, queues: 2 } }],
    rules: [{ name: 'flows', match: `udp port ${destinationPort}`, to: 'kernel', class: 'local' }],
    exceptionPath: { builtins: false, default: 'drop' },
  }
}

/** Packets punted so far, by exception thread. */
async function puntedByThread(lab: Lab): Promise<number[]> {
  const samples = parseMetrics(await lab.instance.get('/metrics'))
  return [0, 1].map(
    (thread) => samples.get(`spillway_exception_thread_punted_packets_total{port="vf0",thread="${thread}"}`) ?? 0,
  )
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0)

describe('two queues of a multi-queue tap', () => {
  test('share the flows, and each flow keeps its order', async () => {
    const lab = await readyLab({ multiQueueTap: true, settings: twoQueues })
    const capture = await captureFrames(lab.pod, labNetwork.tap)
    alsoClose(() => capture.stop())
    const flows = Array.from({ length: 64 }, (_, index) => 20_000 + index)
    const each = 50
    const sent = Array.from({ length: each }, (_, number) =>
      flows.map((sourcePort) => udpFrame({ sourcePort, destinationPort, number })),
    ).flat()
    await sendFrames(lab.peer, labNetwork.peer, sent)
    const arrived = await eventually('every frame at the tap', async () => {
      const ours = capture.frames.filter((frame) => sent.includes(frame))
      return ours.length >= sent.length ? ours : undefined
    })
    expect(arrived).toHaveLength(sent.length)
    for (const flow of flows) {
      const numbers = arrived.map(readUdpFrame).filter(({ sourcePort }) => sourcePort === flow)
      expect(
        numbers.map(({ number }) => number),
        `flow ${flow}`,
      ).toEqual(Array.from({ length: each }, (_, n) => n))
    }
    const [first = 0, second = 0] = await puntedByThread(lab)
    expect(first + second).toBe(sent.length)
    // 64 fair coins: fewer than 16 on one side come once in 40,000 draws, and the ports above always fall the same way.
    expect(Math.min(first, second)).toBeGreaterThanOrEqual(16 * each)
    const [port] = (await settledStatus(lab.instance)).ports
    expect(port?.totals.punted).toBe(sent.length)
    if (port !== undefined) expectAccounted(port.totals)
    expect(await lab.instance.stop()).toEqual({ exitCode: 0, signal: null })
  })

  test('a flow is always on the same one', async () => {
    const lab = await readyLab({ multiQueueTap: true, settings: twoQueues })
    const used = new Set<number>()
    for (const sourcePort of Array.from({ length: 12 }, (_, index) => 30_000 + index)) {
      const before = await puntedByThread(lab)
      const frames = Array.from({ length: 10 }, (_, number) => udpFrame({ sourcePort, destinationPort, number }))
      await sendFrames(lab.peer, labNetwork.peer, frames)
      const after = await eventually('all ten', async () => {
        const now = await puntedByThread(lab)
        return sum(now) - sum(before) >= frames.length ? now : undefined
      })
      const deltas = after.map((count, thread) => count - (before[thread] ?? 0))
      expect(
        [...deltas].sort((a, b) => a - b),
        `flow ${sourcePort}`,
      ).toEqual([0, frames.length])
      used.add(deltas.indexOf(frames.length))
    }
    expect(used.size).toBe(2)
  })
})
