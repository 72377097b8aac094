import { setTimeout as sleep } from 'node:timers/promises'
import { isErrorCode, SpillwayError } from '../errors.js'
import type {
  CounterLayout,
  ErrorReport,
  NativeRule,
  TapAddresses,
  WorkerReport,
  WorkerRequest,
} from '../ipc/messages.js'
import { createLogger } from '../log.js'
import { RULES_DEADLINE_MS } from './deadlines.js'

const log = createLogger({ component: 'rules' })

/** Where rule lists come from. */
export interface RuleSource {
  /** User rules, built-ins, `local` for these addresses, default. */
  compose(addresses: readonly TapAddresses[]): NativeRule[]
  /** Rejects when the list does not compile, or its fused program disagrees with libpcap. */
  prove(rules: readonly NativeRule[]): Promise<unknown>
}

/** The worker as the keeper sees it. */
export interface RuleLink {
  send(request: WorkerRequest): void
  /** The list is in force and its counters are here. */
  useLayout(layout: CounterLayout): void
  /** No answer in time: the worker has lost its lcores. */
  onSilence(): void
}

export interface RuleState {
  /** Lists put in force since the supervisor started. */
  readonly generation: number
  readonly refused: number
  readonly lastRefusal: string | null
  /** First match wins; empty while there is no worker. */
  readonly inForce: readonly NativeRule[]
}

interface Pending {
  readonly id: number
  resolve(layout: CounterLayout): void
  reject(error: unknown): void
}

/**
 * Keeps the worker's rule list in step with the tap's addresses: one list at a time, and when addresses change
 * faster than lists are proved only the latest counts. A refused list leaves the one before in force.
 */
export class RuleKeeper {
  readonly #source: RuleSource
  readonly #verdicts = new Map<string, NativeRule['verdict']>()
  #state: RuleState = { generation: 0, refused: 0, lastRefusal: null, inForce: [] }
  #link: RuleLink | undefined
  #wanted: readonly TapAddresses[] | undefined
  #turn: Promise<unknown> = Promise.resolve()
  #pending: Pending | undefined
  #lastId = 0

  constructor(source: RuleSource) {
    this.#source = source
  }

  get state(): RuleState {
    return this.#state
  }

  /** Also for rules of lists that are gone: their counters are still exported. */
  verdictOf(rule: string): string {
    return this.#verdicts.get(rule) ?? 'unknown'
  }

  /** The first list of a worker; it forwards when this resolves. Rejects when the list is refused. */
  begin(link: RuleLink, addresses: readonly TapAddresses[]): Promise<void> {
    this.#link = link
    return this.#inTurn(() => this.#put(link, addresses))
  }

  /** The tap's addresses changed. */
  follow(addresses: readonly TapAddresses[]): void {
    const queued = this.#wanted !== undefined
    this.#wanted = addresses
    if (!queued) void this.#inTurn(() => this.#catchUp())
  }

  /** Takes the worker's answer; one that nobody waits for is ignored. */
  answer(report: Extract<WorkerReport, { type: 'rulesInForce' | 'rulesRefused' }>): void {
    const pending = this.#pending
    if (pending?.id !== report.id) return
    this.#pending = undefined
    if (report.type === 'rulesInForce') pending.resolve(report.layout)
    else pending.reject(errorOf(report.error))
  }

  /** The worker is gone. */
  end(): void {
    this.#link = undefined
    this.#wanted = undefined
    this.#pending?.reject(new SpillwayError('ERR_WORKER', 'the worker ended before the rule list was in force'))
    this.#pending = undefined
    this.#state = { ...this.#state, inForce: [] }
  }

  async #catchUp(): Promise<void> {
    const [link, addresses] = [this.#link, this.#wanted]
    this.#wanted = undefined
    if (!link || !addresses) return
    try {
      await this.#put(link, addresses)
    } catch (err) {
      // A worker that died meanwhile takes its list along; its successor gets one of its own.
      if (link === this.#link) this.#refuse(err)
    }
  }

  /** One list at a time: the prover is one process, and the counters of a list are read before the next is sent. */
  #inTurn(act: () => Promise<void>): Promise<void> {
    const turn = this.#turn.then(act)
    this.#turn = turn.catch(() => {})
    return turn
  }

  async #put(link: RuleLink, addresses: readonly TapAddresses[]): Promise<void> {
    const rules = this.#source.compose(addresses)
    await this.#source.prove(rules)
    const layout = await this.#exchange(link, rules)
    link.useLayout(layout)
    for (const { name, verdict } of rules) this.#verdicts.set(name, verdict)
    this.#state = { ...this.#state, generation: this.#state.generation + 1, inForce: rules }
    log.info({ generation: this.#state.generation, rules: rules.length }, 'rule list in force')
  }

  async #exchange(link: RuleLink, rules: NativeRule[]): Promise<CounterLayout> {
    if (link !== this.#link) throw new SpillwayError('ERR_WORKER', 'the worker ended before the rule list was sent')
    this.#lastId += 1
    const id = this.#lastId
    const answered = new AbortController()
    const answer = new Promise<CounterLayout>((resolve, reject) => {
      this.#pending = { id, resolve, reject }
    })
    sleep(RULES_DEADLINE_MS, undefined, { signal: answered.signal, ref: false }).then(link.onSilence, () => {})
    link.send({ type: 'rules', id, rules })
    return answer.finally(() => answered.abort())
  }

  #refuse(err: unknown): void {
    const message = err instanceof Error ? err.message : String(err)
    this.#state = { ...this.#state, refused: this.#state.refused + 1, lastRefusal: message }
    log.error({ err }, 'rule list refused, the one before stays in force')
  }
}

/** An error that crossed the channel, as one of ours again. What has a code of ours says all of it in its message. */
export function errorOf({ code, message, hint, call, subject }: ErrorReport): SpillwayError {
  if (isErrorCode(code) && code !== 'ERR_WORKER') return new SpillwayError(code, message, { hint })
  const where = [subject, call].filter((part) => part !== undefined && part !== '' && !message.includes(part))
  const text = where.length > 0 ? `${message} (${where.join(', ')})` : message
  return new SpillwayError('ERR_WORKER', isErrorCode(code) ? text : `${code}: ${text}`, { hint })
}
