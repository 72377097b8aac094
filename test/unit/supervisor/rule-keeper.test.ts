import { describe, expect, test } from 'vitest'
import type { NativeRule, TapAddresses, WorkerRequest } from '../../../src/ipc/messages.js'
import { configureLogging } from '../../../src/log.js'
import { RuleKeeper, type RuleLink } from '../../../src/supervisor/rule-keeper.js'
import { honestRules, waitFor } from './fixtures.js'

await configureLogging({ level: 'silent', format: 'json' })

const noAddresses: TapAddresses[] = []
const tapWith = (...addresses: string[]): TapAddresses[] => [{ port: 'vf0', tap: 'ext0', addresses }]

/** A worker that answers when the test says so. */
class HandWorker implements RuleLink {
  readonly sent: Extract<WorkerRequest, { type: 'rules' }>[] = []
  readonly layouts: number[] = []
  readonly #keeper: RuleKeeper

  constructor(keeper: RuleKeeper) {
    this.#keeper = keeper
  }

  send(request: WorkerRequest): void {
    if (request.type === 'rules') this.sent.push(request)
  }

  useLayout({ generation }: { generation: number }): void {
    this.layouts.push(generation)
  }

  onSilence(): void {}

  accept(): void {
    const id = this.sent.at(-1)?.id ?? 0
    this.#keeper.answer({ type: 'rulesInForce', id, layout: { generation: id, slots: [] } })
  }
}

const names = (rules: readonly NativeRule[]): string[] => rules.map(({ name }) => name)

describe('the rule keeper', () => {
  test('sends one list at a time, and of the changes meanwhile only the last', async () => {
    const keeper = new RuleKeeper(honestRules)
    const worker = new HandWorker(keeper)
    const begun = keeper.begin(worker, noAddresses)
    keeper.follow(tapWith('10.0.0.1'))
    keeper.follow(tapWith('10.0.0.2'))
    keeper.follow(tapWith('10.0.0.3'))
    await waitFor(() => worker.sent.length === 1, 'the first list')
    worker.accept()
    await begun
    await waitFor(() => worker.sent.length === 2, 'the second list')
    worker.accept()
    await waitFor(() => keeper.state.generation === 2, 'the second list in force')
    expect(worker.sent.map(({ rules }) => names(rules))).toEqual([['default'], ['host-10.0.0.3', 'default']])
    expect(worker.layouts).toEqual([1, 2])
  })

  test('ignores an answer that nobody waits for', async () => {
    const keeper = new RuleKeeper(honestRules)
    const worker = new HandWorker(keeper)
    const begun = keeper.begin(worker, noAddresses)
    await waitFor(() => worker.sent.length === 1, 'the list')
    keeper.answer({ type: 'rulesInForce', id: 99, layout: { generation: 99, slots: [] } })
    expect(keeper.state.generation).toBe(0)
    worker.accept()
    await begun
    worker.accept()
    expect(keeper.state.generation).toBe(1)
  })

  test('does not send a list to a worker that died while it was proved, and serves the next one', async () => {
    let asked = 0
    let prove = (): void => {}
    const keeper = new RuleKeeper({
      ...honestRules,
      prove: () =>
        new Promise((resolve) => {
          asked += 1
          prove = () => resolve(undefined)
        }),
    })
    const [dead, next] = [new HandWorker(keeper), new HandWorker(keeper)]
    const lost = keeper.begin(dead, noAddresses)
    lost.catch(() => {})
    await waitFor(() => asked === 1, 'the prover is asked')
    keeper.end()
    const begun = keeper.begin(next, noAddresses)
    prove()
    await expect(lost).rejects.toMatchObject({ code: 'ERR_WORKER' })
    await waitFor(() => {
      prove()
      return next.sent.length === 1
    }, 'the list of the next worker')
    next.accept()
    await begun
    expect(dead.sent).toEqual([])
  })

  test('remembers the verdict of rules that are gone', async () => {
    const keeper = new RuleKeeper(honestRules)
    const worker = new HandWorker(keeper)
    const begun = keeper.begin(worker, tapWith('10.0.0.1'))
    await waitFor(() => worker.sent.length === 1, 'the list')
    worker.accept()
    await begun
    keeper.end()
    expect(keeper.state.inForce).toEqual([])
    expect(keeper.verdictOf('host-10.0.0.1')).toBe('forward')
    expect(keeper.verdictOf('never seen')).toBe('unknown')
  })
})
