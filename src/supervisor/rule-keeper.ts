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
import type { RuleSet } from '../plan/types.js'
import { RULES_DEADLINE_MS } from './deadlines.js'
import { RuleVerdicts } from './rule-verdicts.js'

const log = createLogger({ component: 'rules' })

/** How rule lists are made. */
export interface RuleSource {
  /** User rules, built-ins, `local` for these addresses, default. */
  compose(set: RuleSet, addresses: readonly TapAddresses[]): NativeRule[]
  /**
   * Rejects when the list does not compile, or what it became disagrees with libpcap.
   *
   * @returns the form in which lcores run the list, for people
   */
  prove(rules: readonly NativeRule[]): Promise<string>
}

/** The worker as the keeper sees it. */
export interface RuleLink {
  send(request: WorkerRequest): void
  /** The list is in force and its counters are here. */
  useLayout(layout: CounterLayout): void
  /** No answer in time: the worker has lost its lcores. */
  onSilence(): void
}

/** Who brought the rules: the configuration at start, the same read anew, or a request on the control socket. */
export type RuleOrigin = 'start' | 'reload' | 'request'

export interface RuleState {
  /** Lists put in force since the supervisor started. */
  readonly generation: number
  readonly refused: number
  readonly lastRefusal: string | null
  /** The form in which lcores run the list in force; null while there is none. */
  readonly classifier: string | null
  /** First match wins; empty while there is no worker. */
  readonly inForce: readonly NativeRule[]
  /** What the list is made of: the rules as the operator wrote them. */
  readonly set: RuleSet
  readonly origin: RuleOrigin
}

interface Pending {
  readonly id: number
  resolve(layout: CounterLayout): void
  reject(error: unknown): void
}

/**
 * Keeps the worker's rule list in step with the operator's rules and the tap's addresses: one list at a time, and when
 * addresses change faster than lists are proved only the latest counts. A refused list leaves the one before in force.
 */
export class RuleKeeper {
  readonly #source: RuleSource
  readonly #verdicts = new RuleVerdicts()
  #state: RuleState
  #link: RuleLink | undefined
  #addresses: readonly TapAddresses[] = []
  #following = false
  #turn: Promise<unknown> = Promise.resolve()
  #pending: Pending | undefined
  #lastId = 0

  constructor(source: RuleSource, set: RuleSet) {
    this.#source = source
    this.#state = { generation: 0, refused: 0, lastRefusal: null, classifier: null, inForce: [], set, origin: 'start' }
  }

  get state(): RuleState {
    return this.#state
  }

  /** Also for rules of lists that are gone: their counters are still exported. */
  verdictOf(rule: string): string {
    return this.#verdicts.of(rule)
  }

  /** The first list of a worker; it forwards when this resolves. Rejects when the list is refused. */
  begin(link: RuleLink, addresses: readonly TapAddresses[]): Promise<void> {
    this.#link = link
    this.#addresses = addresses
    return this.#inTurn(() => this.#put(link, this.#state, addresses))
  }

  /** The tap's addresses changed. */
  follow(addresses: readonly TapAddresses[]): void {
    this.#addresses = addresses
    if (this.#following) return
    this.#following = true
    void this.#inTurn(() => this.#catchUp())
  }

  /**
   * Puts other rules in the place of the operator's. Without a worker they are proved, and the next one starts with them.
   *
   * @throws SpillwayError `ERR_RULE` with a line for each rule that does not compile, `ERR_WORKER` when the worker ended
   * meanwhile. Then the rules before stay.
   */
  change(set: RuleSet, origin: Exclude<RuleOrigin, 'start'>): Promise<void> {
    return this.#inTurn(async () => {
      const link = this.#link
      try {
        if (link) await this.#put(link, { set, origin }, this.#addresses)
        else await this.#source.prove(this.#source.compose(set, this.#addresses))
      } catch (error) {
        this.refuse(error)
        throw error
      }
      this.#state = { ...this.#state, set, origin }
    })
  }

  /** Rules that never became a list, because the configuration that has them is wrong, count as refused too. */
  refuse(error: unknown): void {
    const message = error instanceof Error ? error.message : String(error)
    this.#state = { ...this.#state, refused: this.#state.refused + 1, lastRefusal: message }
    log.error({ err: error }, 'rule list refused, the one before stays in force')
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
    this.#pending?.reject(new SpillwayError('ERR_WORKER', 'the worker ended before the rule list was in force'))
    this.#pending = undefined
    this.#state = { ...this.#state, classifier: null, inForce: [] }
  }

  async #catchUp(): Promise<void> {
    const link = this.#link
    this.#following = false
    if (!link) return
    try {
      await this.#put(link, this.#state, this.#addresses)
    } catch (error) {
      // A worker that died meanwhile takes its list along; its successor gets one of its own.
      if (link === this.#link) this.refuse(error)
    }
  }

  /** One list at a time: the prover is one process, and the counters of a list are read before the next is sent. */
  #inTurn(act: () => Promise<void>): Promise<void> {
    const turn = this.#turn.then(act)
    this.#turn = turn.catch(() => {})
    return turn
  }

  async #put(
    link: RuleLink,
    { set, origin }: Pick<RuleState, 'set' | 'origin'>,
    addresses: readonly TapAddresses[],
  ): Promise<void> {
    const rules = this.#source.compose(set, addresses)
    const classifier = await this.#source.prove(rules)
    const layout = await this.#exchange(link, rules)
    link.useLayout(layout)
    this.#verdicts.remember(rules)
    this.#state = { ...this.#state, generation: this.#state.generation + 1, classifier, inForce: rules }
    log.info({ generation: this.#state.generation, rules: rules.length, origin, classifier }, 'rule list in force')
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
}

/** An error that crossed the channel, as one of ours again. What has a code of ours says all of it in its message. */
export function errorOf({ code, message, hint, call, subject }: ErrorReport): SpillwayError {
  if (isErrorCode(code) && code !== 'ERR_WORKER') return new SpillwayError(code, message, { hint })
  const where = [subject, call].filter((part) => part !== undefined && part !== '' && !message.includes(part))
  const text = where.length > 0 ? `${message} (${where.join(', ')})` : message
  return new SpillwayError('ERR_WORKER', isErrorCode(code) ? text : `${code}: ${text}`, { hint })
}
