import type { LoadedConfig, Setting } from '../config/load.js'
import { parseRules } from '../config/rules.js'
import type { Config } from '../config/schema.js'
import { SpillwayError } from '../errors.js'
import { servedRules } from '../http/served-rules.js'
import { createLogger } from '../log.js'
import type { RuleOrigin } from '../supervisor/rule-keeper.js'
import type { SupervisorView } from '../supervisor/supervisor.js'

const log = createLogger({ component: 'rules' })

/** The supervisor as far as rules go. */
export interface RuledInstance {
  readonly view: Pick<SupervisorView, 'rules'>
  changeRules(rules: Pick<Config, 'rules' | 'exceptionPath'>, origin: Exclude<RuleOrigin, 'start'>): Promise<void>
  refuseRules(error: unknown): void
}

/** The ways by which the rules of a running instance change. One change at a time: what comes meanwhile is refused. */
export class RuleChanges {
  readonly #instance: RuledInstance
  readonly #started: LoadedConfig
  readonly #load: () => Promise<LoadedConfig>
  #underWay: Promise<unknown> | undefined

  /**
   * @param started  the configuration that the instance was started with
   * @param load  reads it anew
   */
  constructor(instance: RuledInstance, started: LoadedConfig, load: () => Promise<LoadedConfig>) {
    this.#instance = instance
    this.#started = started
    this.#load = load
  }

  current(): object {
    return servedRules(this.#instance.view.rules)
  }

  /**
   * Puts `body`'s rules in the place of the operator's; built-ins and default stay.
   *
   * @throws SpillwayError `ERR_CONFIG` or `ERR_RULE` with a line for each problem, `ERR_BUSY`, `ERR_WORKER`.
   */
  put(body: unknown): Promise<object> {
    return this.#alone(async () => {
      const { exceptionPath } = this.#instance.view.rules.set
      await this.#instance.changeRules({ rules: this.#parse(body), exceptionPath }, 'request')
      return this.current()
    })
  }

  /**
   * Reads the configuration again and puts its rules, built-ins and default in force. Other settings need a new start:
   * those that differ are named.
   *
   * @throws SpillwayError as `put`
   */
  reload(): Promise<object> {
    return this.#alone(async () => {
      const { config, settings } = await this.#reread()
      const needRestart = changedPaths(this.#started.settings, settings)
      if (needRestart.length > 0) log.warn({ settings: needRestart }, 'changed settings that need a restart')
      await this.#instance.changeRules(config, 'reload')
      return { ...this.current(), needRestart }
    })
  }

  /** The same for who cannot be told to ask again: after the change that is under way. What goes wrong is logged. */
  async reloadInTurn(): Promise<void> {
    while (this.#underWay !== undefined) await this.#underWay.catch(() => {})
    await this.reload().catch((err: unknown) => log.warn({ err }, 'the configuration was not taken over'))
  }

  #parse(body: unknown): Config['rules'] {
    try {
      return parseRules(body, this.#started.config)
    } catch (error) {
      this.#instance.refuseRules(error)
      throw error
    }
  }

  async #reread(): Promise<LoadedConfig> {
    try {
      return await this.#load()
    } catch (error) {
      this.#instance.refuseRules(error)
      throw error
    }
  }

  #alone<T>(act: () => Promise<T>): Promise<T> {
    if (this.#underWay !== undefined) {
      const message = 'another change of the rules is under way'
      return Promise.reject(new SpillwayError('ERR_BUSY', message, { hint: 'ask again in a moment' }))
    }
    const change = act().finally(() => {
      this.#underWay = undefined
    })
    this.#underWay = change
    return change
  }
}

/** What a change of the rules does not reach, with another value than at the start. */
function changedPaths(before: readonly Setting[], now: readonly Setting[]): string[] {
  const values = new Map(before.map(({ path, value }) => [path, value]))
  const paths = new Set([...before, ...now].map(({ path }) => path).filter((path) => !isReloadable(path)))
  const after = new Map(now.map(({ path, value }) => [path, value]))
  return [...paths].filter((path) => JSON.stringify(values.get(path)) !== JSON.stringify(after.get(path)))
}

function isReloadable(path: string): boolean {
  return /^(rules(?![a-zA-Z])|exceptionPath\.(builtins|builtinLimit|default|fragments)(?![a-zA-Z]))/.test(path)
}
