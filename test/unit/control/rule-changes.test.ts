import { expect, test } from 'vitest'
import { type LoadedConfig, loadConfig } from '../../../src/config/load.js'
import { RuleChanges, type RuledInstance } from '../../../src/control/rule-changes.js'
import { configureLogging } from '../../../src/log.js'
import type { RuleState } from '../../../src/supervisor/rule-keeper.js'
import { fixturePlan } from '../supervisor/fixtures.js'

await configureLogging({ level: 'silent', format: 'json' })

const rule = { name: 'dns', match: 'udp port 53', to: 'drop' }
const load = (settings: Record<string, unknown>): LoadedConfig =>
  loadConfig({
    flags: Object.entries(settings).map(([path, value]) => ({
      flag: '--set',
      path,
      text: typeof value === 'string' ? value : JSON.stringify(value),
    })),
  })

/** An instance that does what it is told, when the test lets it. */
function instance(hold: Promise<void> = Promise.resolve()) {
  const asked: Parameters<RuledInstance['changeRules']>[] = []
  const refused: string[] = []
  const rules: RuleState = {
    generation: 1,
    refused: 0,
    lastRefusal: null,
    classifier: null,
    inForce: [],
    set: fixturePlan,
    origin: 'start',
  }
  const ruled: RuledInstance = {
    view: { rules },
    changeRules: (...args) => {
      asked.push(args)
      return hold
    },
    refuseRules: (error) => refused.push((error as Error).message),
  }
  return { ruled, asked, refused }
}

test('a request replaces the rules alone: built-ins and default stay', async () => {
  const { ruled, asked } = instance()
  await new RuleChanges(ruled, load({}), async () => load({})).put({ rules: [rule] })
  expect(asked).toMatchObject([
    [{ rules: [{ ...rule, class: 'other', limit: null }], exceptionPath: fixturePlan.exceptionPath }, 'request'],
  ])
})

test.each([
  ['nothing', undefined, 'expected settings (rules), found nothing'],
  ['a number', 7, 'expected settings (rules), found 7'],
  ['other settings', { rules: [], burst: 8 }, 'burst: unknown setting with value 8'],
  ['a name twice', [rule, rule], 'rules[1].name: expected a unique name, found "dns", which is rules[0]\'s'],
  [
    'a built-in name',
    [{ ...rule, name: 'arp' }],
    'rules[0].name: expected a name that no built-in rule has, found "arp"',
  ],
  [
    'too many',
    Array.from({ length: 257 }, (_, i) => ({ ...rule, name: `r${i}` })),
    'rules: expected a list of at most 256',
  ],
  ['too long a text', [{ ...rule, match: 'x'.repeat(4097) }], 'rules[0].match: expected a pcap-filter(7) expression'],
])('%s is refused before anybody is asked, and counted', async (_, body, message) => {
  const { ruled, asked, refused } = instance()
  const changes = new RuleChanges(ruled, load({}), async () => load({}))
  await expect(changes.put(body)).rejects.toMatchObject({
    code: 'ERR_CONFIG',
    message: expect.stringContaining(message),
  })
  expect([asked.length, refused.length]).toEqual([0, 1])
})

test('every problem of a bad list is told at once', async () => {
  const { ruled } = instance()
  const changes = new RuleChanges(ruled, load({}), async () => load({}))
  const bad = [{ ...rule, to: 'krnel' }, { ...rule, name: 'B' }, { match: 'tcp' }]
  const error: Error = await changes.put(bad).then(
    () => new Error('it was taken'),
    (refusal) => refusal,
  )
  expect(error.message.split('\n').map((line) => line.split(':')[0])).toEqual(
    expect.arrayContaining(['rules[0].to', 'rules[1].name', 'rules[2].name', 'rules[2].to']),
  )
})

test('a reload takes rules, built-ins and default, and names what needs a restart', async () => {
  const { ruled, asked } = instance()
  const before = load({ burst: 32, rules: [rule] })
  const after = load({
    burst: 64,
    rules: [{ ...rule, to: 'forward' }],
    'exceptionPath.default': 'drop',
    'exceptionPath.builtinLimit.pps': 7,
    'exceptionPath.limit.pps': 5,
  })
  const said = await new RuleChanges(ruled, before, async () => after).reload()
  expect(said).toMatchObject({ needRestart: ['burst', 'exceptionPath.limit.pps'] })
  expect(asked).toMatchObject([
    [{ rules: [{ to: 'forward' }], exceptionPath: { default: 'drop', builtinLimit: { pps: 7 } } }, 'reload'],
  ])
})

test('a configuration that cannot be read is refused and counted', async () => {
  const { ruled, asked, refused } = instance()
  const changes = new RuleChanges(ruled, load({}), async () => load({ burst: 0 }))
  await expect(changes.reload()).rejects.toMatchObject({ code: 'ERR_CONFIG' })
  expect([asked.length, refused.length]).toEqual([0, 1])
})

test('of two at once the second is refused, and after the first there is room again', async () => {
  let release = (): void => {}
  const held = new Promise<void>((resolve) => {
    release = resolve
  })
  const { ruled } = instance(held)
  const changes = new RuleChanges(ruled, load({}), async () => load({}))
  const first = changes.put([rule])
  await expect(changes.put([])).rejects.toMatchObject({ code: 'ERR_BUSY', exitCode: 75 })
  await expect(changes.reload()).rejects.toMatchObject({ code: 'ERR_BUSY' })
  release()
  await first
  await expect(changes.put([])).resolves.toMatchObject({ generation: 1 })
})

test('a reload that nobody can be told to repeat waits for the change that is under way, whatever comes of it', async () => {
  let refuse = (_: Error): void => {}
  const held = new Promise<void>((_, reject) => {
    refuse = reject
  })
  const { ruled, asked } = instance(held)
  const changes = new RuleChanges(ruled, load({}), async () => load({ rules: [rule] }))
  const first = changes.put([])
  const second = changes.reloadInTurn()
  expect(asked).toHaveLength(1)
  refuse(new Error('not these'))
  await expect(first).rejects.toThrow('not these')
  await second
  expect(asked.map(([, origin]) => origin)).toEqual(['request', 'reload'])
})
