import type { PortEvent, StartInfo } from '../ipc/messages.js'
import { createLogger } from '../log.js'
import type { Plan } from '../plan/types.js'
import type { Finding } from '../preflight/types.js'
import { deviceCheck } from './device.js'
import { filtersCheck } from './filters.js'
import { mtuCheck } from './mtu.js'
import { neighbourCheck } from './neighbour.js'
import { offloadsCheck } from './offloads.js'
import { afterEvent, initialState, type PortState } from './port-state.js'
import type { RunningCheck } from './types.js'

const log = createLogger({ component: 'ports' })

export const runningChecks: readonly RunningCheck[] = [
  deviceCheck,
  mtuCheck,
  filtersCheck,
  neighbourCheck,
  offloadsCheck,
]

/** What is wrong with the ports, as far as their worker has told. Pure. */
export function findAtRun(states: Iterable<PortState>): Finding[] {
  return [...states].flatMap((state) => runningChecks.flatMap((check) => check.run(state)))
}

/** Keeps what the worker tells of its ports and what there is to find in it, and logs a finding when it comes and goes. */
export class PortWatch {
  readonly #plan: Plan
  readonly #logged = new Map<string, Finding>()
  #states: ReadonlyMap<string, PortState>
  #findings: readonly Finding[] = []

  constructor(plan: Plan) {
    this.#plan = plan
    this.#states = initialStates(plan)
  }

  /** Nothing is known any more: another worker starts. */
  reset(): void {
    this.#states = initialStates(this.#plan)
    this.#findings = []
  }

  /** What the worker says once it has started; it may have told events before. */
  adopt(ports: StartInfo['ports']): void {
    for (const info of ports) this.#update(info.name, (state) => ({ ...state, info }))
    this.#judge()
  }

  take(event: PortEvent): void {
    if (!('port' in event)) return
    this.#update(event.port, (state) => afterEvent(state, event))
    this.#judge()
  }

  get findings(): readonly Finding[] {
    return this.#findings
  }

  get removedPorts(): string[] {
    return [...this.#states.values()].filter(({ removed }) => removed).map(({ planned }) => planned.name)
  }

  /** The MTU that each port has now, as far as its worker has told. */
  get mtus(): ReadonlyMap<string, number> {
    const told = [...this.#states].map(([name, { mtu, info }]) => [name, mtu?.mtuBytes ?? info?.mtuBytes] as const)
    return new Map(told.filter((entry): entry is [string, number] => entry[1] !== undefined))
  }

  #update(port: string, change: (state: PortState) => PortState): void {
    const state = this.#states.get(port)
    if (state !== undefined) this.#states = new Map([...this.#states, [port, change(state)]])
  }

  #judge(): void {
    this.#findings = findAtRun(this.#states.values())
    const now = new Map(this.#findings.map((finding) => [keyOf(finding), finding]))
    for (const [key, finding] of now) if (!this.#logged.has(key)) logFinding(finding)
    for (const [key, { code, subject }] of this.#logged) {
      if (!now.has(key)) log.info({ code, subject }, 'finding is settled')
    }
    this.#logged.clear()
    for (const [key, finding] of now) this.#logged.set(key, finding)
  }
}

function initialStates(plan: Plan): ReadonlyMap<string, PortState> {
  return new Map(plan.ports.map((port) => [port.name, initialState(port)]))
}

function keyOf({ code, subject, needed, found }: Finding): string {
  return [code, subject, needed, found].join(' | ')
}

function logFinding({ level, ...finding }: Finding): void {
  if (level === 'error') log.error(finding, 'check fails while it runs')
  else if (level === 'warning') log.warn(finding, 'check warns while it runs')
  else log.info(finding, 'worth knowing while it runs')
}
