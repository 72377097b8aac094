import { describe, expect, test } from 'vitest'
import type { NativeRule, TapAddresses, WorkerRequest } from '../../../src/ipc/messages.js'
import { configureLogging } from '../../../src/log.js'
import type { RuleSet } from '../../../src/plan/types.js'
import { RuleKeeper, type RuleLink, type RuleSource } from '../../../src/supervisor/rule-keeper.js'
import { fixturePlan, honestRules, waitFor } from './fixtures.js'

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
    const keeper = new RuleKeeper(honestRules, fixturePlan)
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
    const keeper = new RuleKeeper(honestRules, fixturePlan)
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
    const keeper = new RuleKeeper(
      {
        ...honestRules,
        prove: () =>
          new Promise((resolve) => {
            asked += 1
            prove = () => resolve('tables')
          }),
      },
      fixturePlan,
    )
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
    const keeper = new RuleKeeper(honestRules, fixturePlan)
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

describe('rules that change', () => {
  const drop: NativeRule = { name: 'dropped', match: ['udp'], verdict: 'drop', class: 'other', limit: null }
  /** Other rules than the fixture's: the list has one more. */
  const changed: RuleSet = { ...fixturePlan, exceptionPath: { ...fixturePlan.exceptionPath, default: 'drop' } }
  const source: RuleSource = {
    ...honestRules,
    compose: (set, addresses) => [
      ...(set.exceptionPath.default === 'drop' ? [drop] : []),
      ...honestRules.compose(set, addresses),
    ],
  }

  async function begun(from: RuleSource = source): Promise<{ keeper: RuleKeeper; worker: HandWorker }> {
    const keeper = new RuleKeeper(from, fixturePlan)
    const worker = new HandWorker(keeper)
    const first = keeper.begin(worker, tapWith('10.0.0.1'))
    await waitFor(() => worker.sent.length === 1, 'the first list')
    worker.accept()
    await first
    return { keeper, worker }
  }

  test('are in force with the addresses of the tap, and stay for the next addresses and the next worker', async () => {
    const { keeper, worker } = await begun()
    const change = keeper.change(changed, 'request')
    await waitFor(() => worker.sent.length === 2, 'the changed list')
    expect(keeper.state).toMatchObject({ generation: 1, origin: 'start' })
    worker.accept()
    await change
    expect(keeper.state).toMatchObject({ generation: 2, origin: 'request', set: changed })
    keeper.follow(tapWith('10.0.0.2'))
    await waitFor(() => worker.sent.length === 3, 'the list with the next address')
    expect(names(worker.sent[2]?.rules ?? [])).toEqual(['dropped', 'host-10.0.0.2', 'default'])
    worker.accept()
    keeper.end()
    const next = new HandWorker(keeper)
    void keeper.begin(next, noAddresses).catch(() => {})
    await waitFor(() => next.sent.length === 1, 'the list of the next worker')
    expect(names(next.sent[0]?.rules ?? [])).toEqual(['dropped', 'default'])
  })

  test('are refused whole when they are not proved: the worker is not asked, the old ones stay', async () => {
    let good = true
    const { keeper, worker } = await begun({
      ...source,
      prove: () => (good ? Promise.resolve('tables') : Promise.reject(new Error('libpcap says no'))),
    })
    good = false
    await expect(keeper.change(changed, 'request')).rejects.toThrow('libpcap says no')
    expect(keeper.state).toMatchObject({ generation: 1, refused: 1, lastRefusal: 'libpcap says no', set: fixturePlan })
    expect(worker.sent).toHaveLength(1)
  })

  test('are refused when the worker refuses them, or ends meanwhile', async () => {
    const { keeper, worker } = await begun()
    const refused = keeper.change(changed, 'reload')
    await waitFor(() => worker.sent.length === 2, 'the changed list')
    keeper.answer({ type: 'rulesRefused', id: 2, error: { code: 'ENOSPC', message: 'too many rules' } })
    await expect(refused).rejects.toMatchObject({ code: 'ERR_WORKER', message: 'ENOSPC: too many rules' })
    const lost = keeper.change(changed, 'reload')
    await waitFor(() => worker.sent.length === 3, 'the changed list again')
    keeper.end()
    await expect(lost).rejects.toMatchObject({ code: 'ERR_WORKER' })
    expect(keeper.state).toMatchObject({ refused: 2, set: fixturePlan, origin: 'start' })
  })

  test('wait for the next worker when there is none', async () => {
    const keeper = new RuleKeeper(source, fixturePlan)
    await keeper.change(changed, 'reload')
    expect(keeper.state).toMatchObject({ generation: 0, origin: 'reload', set: changed })
    const worker = new HandWorker(keeper)
    void keeper.begin(worker, noAddresses).catch(() => {})
    await waitFor(() => worker.sent.length === 1, 'its list')
    expect(names(worker.sent[0]?.rules ?? [])).toEqual(['dropped', 'default'])
  })
})
