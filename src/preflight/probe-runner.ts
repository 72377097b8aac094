import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { SpillwayError } from '../errors.js'
import { type ProbeNews, ProbeProcess, type ProbeProgram } from './probe-process.js'
import { CHILD_START_DEADLINE_MS, type ProbeDeadlines, probeDeadlines } from './probes/deadlines.js'
import type { ProbeAnswer, ProbeRequest } from './probes/messages.js'

/** What became of one probe. */
export type ProbeOutcome = { readonly request: ProbeRequest } & (
  | { readonly status: 'answered'; readonly answer: ProbeAnswer }
  /** Not tried, because it would have disturbed somebody. */
  | { readonly status: 'skipped'; readonly reason: string }
  | { readonly status: 'hung'; readonly deadlineMs: number }
  | {
      readonly status: 'crashed'
      readonly signal: string | null
      readonly exitCode: number | null
      readonly stderr: string
    }
  /** The probe itself is wrong, or could not be started: says nothing about the pod. */
  | { readonly status: 'broken'; readonly problem: string }
)

/** A probe to be made, or the reason why not. */
export interface ChosenProbe {
  readonly request: ProbeRequest
  readonly skip: string | null
}

export interface ProbeOptions {
  readonly program?: ProbeProgram
  readonly deadlines?: ProbeDeadlines
  readonly startDeadlineMs?: number
  /** Ends the child; what was not asked by then is left out. */
  readonly signal?: AbortSignal
}

const childEntry = new URL('./probes/child.js', import.meta.url)

/**
 * Makes the probes one after the other in one child, and in another when that one hung or crashed. When it returns, no
 * child is left and nothing is open.
 */
export async function runProbes(chosen: readonly ChosenProbe[], options: ProbeOptions = {}): Promise<ProbeOutcome[]> {
  const prober = new Prober(options)
  try {
    return await prober.run(chosen)
  } finally {
    await prober.close()
  }
}

/**
 * The child gets our rights, and of our environment what a loader needs: nothing in it may change what Node does.
 */
export function probeProgram(entry: URL, env: NodeJS.ProcessEnv = process.env): ProbeProgram {
  const path = fileURLToPath(entry)
  if (!existsSync(path))
    throw new SpillwayError('ERR_INTERNAL', `need the probe program ${path}, found nothing`, {
      hint: 'build it: npm run setup',
    })
  const { PATH, LD_LIBRARY_PATH } = env
  return {
    command: process.execPath,
    args: ['--v8-pool-size=1', path],
    env: {
      ...(PATH === undefined ? {} : { PATH }),
      ...(LD_LIBRARY_PATH === undefined ? {} : { LD_LIBRARY_PATH }),
      UV_THREADPOOL_SIZE: '1',
    },
  }
}

/** The probe child in force, from before the first question to after the last. */
export class Prober {
  readonly #program: ProbeProgram
  readonly #deadlines: ProbeDeadlines
  readonly #startDeadlineMs: number
  readonly #signal: AbortSignal | undefined
  readonly #stop = (): void => void this.close()
  #child: ProbeProcess | undefined
  #startFailed = false

  constructor({
    program,
    deadlines = probeDeadlines,
    startDeadlineMs = CHILD_START_DEADLINE_MS,
    signal,
  }: ProbeOptions = {}) {
    this.#program = program ?? probeProgram(childEntry)
    this.#deadlines = deadlines
    this.#startDeadlineMs = startDeadlineMs
    this.#signal = signal
    signal?.addEventListener('abort', this.#stop, { once: true })
  }

  /** Starts the child ahead of the first question: it loads what it needs while the caller still finds out what to ask. */
  start(): this {
    this.#child ??= new ProbeProcess(this.#program)
    return this
  }

  /** Where a child does not start, the next would not either: what was to be asked then is left out. */
  async run(chosen: readonly ChosenProbe[]): Promise<ProbeOutcome[]> {
    const outcomes: ProbeOutcome[] = []
    for (const { request, skip } of chosen) {
      if (this.#signal?.aborted || this.#startFailed) break
      outcomes.push(skip === null ? await this.#ask(request) : { request, status: 'skipped', reason: skip })
    }
    return outcomes
  }

  /** Resolves when no child is left. */
  async close(): Promise<void> {
    this.#signal?.removeEventListener('abort', this.#stop)
    await this.#end()
  }

  async #end(): Promise<void> {
    const child = this.#child
    this.#child = undefined
    await child?.kill()
  }

  /** A child that failed a question is not asked again. */
  async #ask(request: ProbeRequest): Promise<ProbeOutcome> {
    this.#child ??= new ProbeProcess(this.#program)
    const child = this.#child
    const first = await child.ready(this.#startDeadlineMs)
    const deadlineMs = this.#deadlines[request.kind]
    this.#startFailed = !isReady(first)
    const outcome: ProbeOutcome = isReady(first)
      ? outcomeOf(request, await child.ask(request, deadlineMs), deadlineMs)
      : { request, status: 'broken', problem: `the probe child did not start: ${describe(first)}` }
    if (outcome.status !== 'answered') await this.#end()
    return outcome
  }
}

function isReady(news: ProbeNews): boolean {
  return news.type === 'report' && news.report.type === 'ready'
}

function outcomeOf(request: ProbeRequest, news: ProbeNews, deadlineMs: number): ProbeOutcome {
  if (news.type === 'late') return { request, status: 'hung', deadlineMs }
  if (news.type === 'ended') return { request, status: 'crashed', ...news.end }
  if (news.type === 'report' && news.report.type === 'answer' && news.report.answer.kind === request.kind)
    return { request, status: 'answered', answer: news.report.answer }
  return { request, status: 'broken', problem: describe(news) }
}

function describe(news: ProbeNews): string {
  switch (news.type) {
    case 'late':
      return `nothing came in ${CHILD_START_DEADLINE_MS} ms`
    case 'malformed':
      return `a message that is none: ${news.problem}`
    case 'ended': {
      const { signal, exitCode, stderr } = news.end
      const how = signal ?? (exitCode === null ? 'no process' : `exit code ${exitCode}`)
      return stderr === '' ? how : `${how}: ${lastLine(stderr)}`
    }
    case 'report':
      return news.report.type === 'broken' ? news.report.message : `an answer out of turn: ${news.report.type}`
  }
}

function lastLine(text: string): string {
  return text.slice(text.lastIndexOf('\n') + 1)
}
