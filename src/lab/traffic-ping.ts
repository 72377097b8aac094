import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { SpillwayError } from '../errors.js'
import { endWithin } from './commands.js'
import type { Namespace } from './namespaces.js'
import { spawnInside } from './processes.js'

export interface PingCount {
  readonly host: string
  readonly sent: number
  readonly received: number
  readonly duplicates: number
  /** Null until the first answer. */
  readonly lastRttMs: number | null
  readonly minRttMs: number | null
  readonly maxRttMs: number | null
}

export interface Ping {
  count(): PingCount
  /** Stops right after an answer, so that none is under way, and takes ping's own final count. */
  stop(): Promise<PingCount>
}

/** Five a second: often enough to see the gap that a worker's restart leaves. */
const intervalSeconds = 0.2
/** Without an answer in this time the last request counts as lost. */
const answerPatienceMs = 1_000
const endPatienceMs = 2_000

/** Pings `host` from `namespace` until stopped. The kernel answers at the other end: that is the exception path. */
export function startPing(namespace: Namespace, host: string, onFailure: (error: SpillwayError) => void): Ping {
  const tally = new PingTally(host)
  // -O: a line for each request without an answer, so that loss is seen while it happens.
  const child = spawnInside(namespace, ['ping', '-n', '-O', '-i', String(intervalSeconds), host], {
    stdio: ['ignore', 'pipe', 'ignore'],
    whenOrphaned: 'SIGKILL',
  })
  const lines = createInterface({ input: child.stdout ?? Readable.from([]) })
  lines.on('line', (line) => tally.read(line))
  let stopping = false
  const closed = new Promise<void>((resolve) => {
    child.once('error', (error) => onFailure(pingFailed(host, error.message)))
    child.once('close', (code, signal) => {
      if (!stopping) onFailure(pingFailed(host, `ended by itself (${signal ?? code})`))
      resolve()
    })
  })
  return {
    count: () => tally.count(),
    stop: async () => {
      stopping = true
      await Promise.race([once(lines, 'line'), closed, sleep(answerPatienceMs)])
      child.kill('SIGINT')
      await endWithin(child, endPatienceMs)
      await closed
      return tally.count()
    },
  }
}

function pingFailed(host: string, reason: string): SpillwayError {
  return new SpillwayError('ERR_INTERNAL', `the lab's ping of ${host} ${reason}`)
}

/** Reads the output of iputils' ping line by line. */
export class PingTally {
  private received = 0
  private duplicates = 0
  private readonly unanswered = new Set<string>()
  private final: { readonly sent: number; readonly received: number; readonly duplicates: number } | undefined
  private lastRttMs: number | null = null
  private minRttMs: number | null = null
  private maxRttMs: number | null = null

  constructor(private readonly host: string) {}

  read(line: string): void {
    const answer = /icmp_seq=(\d+) .*\btime=([\d.]+) ms( \(DUP!\))?/.exec(line)
    if (answer) this.answered(answer[1] ?? '', Number(answer[2]), answer[3] !== undefined)
    const silence = /^no answer yet for icmp_seq=(\d+)/.exec(line)
    if (silence?.[1] !== undefined) this.unanswered.add(silence[1])
    const end = /^(\d+) packets transmitted, (\d+) received(?:, \+(\d+) duplicates)?/.exec(line)
    if (end) this.final = { sent: Number(end[1]), received: Number(end[2]), duplicates: Number(end[3] ?? 0) }
  }

  count(): PingCount {
    const { host, lastRttMs, minRttMs, maxRttMs, received, duplicates } = this
    const live = { sent: received + this.unanswered.size, received, duplicates }
    return { host, ...(this.final ?? live), lastRttMs, minRttMs, maxRttMs }
  }

  private answered(sequence: string, rttMs: number, duplicate: boolean): void {
    if (duplicate) {
      this.duplicates++
      return
    }
    this.received++
    // Late, but there.
    this.unanswered.delete(sequence)
    this.lastRttMs = rttMs
    this.minRttMs = Math.min(this.minRttMs ?? rttMs, rttMs)
    this.maxRttMs = Math.max(this.maxRttMs ?? rttMs, rttMs)
  }
}
