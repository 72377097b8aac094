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
  /** Ends the child; what was not asked by then is left out. */
  readonly signal?: AbortSignal
}

const childEntry = new URL('./probes/child.js', import.meta.url)

/**
 * Makes the probes one after the other in one child, and in another when that one hung or crashed. When it returns, no
 * child is left and nothing is open.
 */
export async function runProbes(chosen: readonly ChosenProbe[], options: ProbeOptions = {}): Promise<ProbeOutcome[]> {
  const session = new ProbeSession(options.program ?? probeProgram(childEntry), options.deadlines ?? probeDeadlines)
  const outcomes: ProbeOutcome[] = []
  const stop = (): void => void session.close()
  options.signal?.addEventListener('abort', stop, { once: true })
  try {
    for (const { request, skip } of chosen) {
      if (options.signal?.aborted) break
      outcomes.push(skip === null ? await session.ask(request) : { request, status: 'skipped', reason: skip })
    }
  } finally {
    options.signal?.removeEventListener('abort', stop)
    await session.close()
  }
  return outcomes
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

/** The child in force. One that failed a question is not asked again. */
class ProbeSession {
  readonly #program: ProbeProgram
  readonly #deadlines: ProbeDeadlines
  #child: ProbeProcess | undefined

  constructor(program: ProbeProgram, deadlines: ProbeDeadlines) {
    this.#program = program
    this.#deadlines = deadlines
  }

  async ask(request: ProbeRequest): Promise<ProbeOutcome> {
    const started = await this.#start()
    if (started !== null) return { request, ...started }
    const deadlineMs = this.#deadlines[request.kind]
    const child = this.#child as ProbeProcess
    const outcome = outcomeOf(request, await child.ask(request, deadlineMs), deadlineMs)
    if (outcome.status !== 'answered') await this.close()
    return outcome
  }

  async close(): Promise<void> {
    const child = this.#child
    this.#child = undefined
    await child?.kill()
  }

  /** A child that is ready, or why there is none. */
  async #start(): Promise<{ status: 'broken'; problem: string } | null> {
    if (this.#child !== undefined) return null
    const child = new ProbeProcess(this.#program)
    this.#child = child
    const news = await child.next(CHILD_START_DEADLINE_MS)
    if (news.type === 'report' && news.report.type === 'ready') return null
    await this.close()
    return { status: 'broken', problem: `the probe child did not start: ${describe(news)}` }
  }
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
