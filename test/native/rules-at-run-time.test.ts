import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, afterEach, describe, expect, test } from 'vitest'
import { askControl } from '../../src/control/client.js'
import { endCommands } from './built-command.js'
import { makeImageFolder, removeImageFolders } from './container.js'
import { asUser } from './restrictions.js'
import { childNamed, eventually, nullPorts, type RunProcess, startRun } from './run-process.js'

afterEach(endCommands)
afterAll(removeImageFolders)

const command = fileURLToPath(new URL('../../bin/spillway.mjs', import.meta.url))
/** net_null hands out frames of zeros unless they are filled: this takes all of them. */
const every = 'len >= 60'

interface Answer {
  readonly generation: number
  readonly origin: string
  readonly rules: readonly { readonly name: string }[]
  readonly needRestart?: readonly string[]
}

const socketOf = (run: RunProcess): string => join(run.folder, 'spillway/control.sock')
const put = (run: RunProcess, rules: readonly object[]): Promise<Answer> =>
  askControl(socketOf(run), { method: 'PUT', path: '/api/v1/rules', body: JSON.stringify(rules) }) as Promise<Answer>
const get = (run: RunProcess): Promise<Answer> =>
  askControl(socketOf(run), { method: 'GET', path: '/api/v1/rules' }) as Promise<Answer>

function spillway(run: RunProcess, ...args: string[]) {
  const env = { PATH: process.env.PATH, RUNTIME_DIRECTORY: run.folder }
  return spawnSync(process.execPath, [command, ...args], { env, encoding: 'utf8' })
}

function rewrite(run: RunProcess, config: object): void {
  writeFileSync(join(run.folder, 'spillway.yaml'), JSON.stringify(config))
}

async function stop(run: RunProcess): Promise<void> {
  run.child.kill('SIGTERM')
  expect(await run.ended).toEqual({ exitCode: 0, signal: null })
}

/** By name, over all lcores and lists that ever were. */
async function ruleCounts(run: RunProcess): Promise<Record<string, number>> {
  const page = await run.get('/metrics')
  const lines = [...page.matchAll(/^spillway_rule_packets_total\{rule="([^"]+)",verdict="(\w+)"\} (\d+)$/gm)]
  return Object.fromEntries(lines.map(([, rule = '', verdict, count]) => [`${rule} ${verdict}`, Number(count)]))
}

const inMounts = (script: string): string[] => ['unshare', '-m', 'sh', '-ec', script, 'sh']

function residentKib(pid: number): number {
  return Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1])
}

describe('rules changed while it runs', () => {
  test('1,000 times under full traffic: no packet is lost or counted twice, and nothing leaks', async () => {
    const run = startRun(nullPorts)
    const { worker } = await run.ready()
    const pids = [run.child.pid ?? 0, worker.pid ?? 0]
    // Large enough that a list which is not freed shows: about 100 KiB of code and tables each.
    const others = Array.from({ length: 40 }, (_, i) => ({ name: `port-${i}`, match: `udp port ${i + 1}`, to: 'drop' }))
    const lists = [
      [{ name: 'one', match: every, to: 'forward' }, ...others],
      [{ name: 'other', match: every, to: 'forward' }],
    ]
    let settled: number[] = []
    for (let i = 1; i <= 1000; i++) {
      const { generation } = await put(run, lists[i % 2] ?? [])
      expect(generation).toBe(i + 1)
      if (i === 200) settled = pids.map(residentKib)
    }
    const grown = pids.map((pid, i) => residentKib(pid) - (settled[i] ?? 0))
    // 800 lists of which half is not freed would be 40 MiB; a heap that breathes is some.
    expect(Math.max(...grown)).toBeLessThan(24 * 1024)

    const { ports } = await run.status()
    const counts = await ruleCounts(run)
    expect(Object.keys(counts)).toContain('one forward')
    expect(counts['one forward']).toBeGreaterThan(0)
    expect(counts['other forward']).toBeGreaterThan(0)
    await stop(run)
    const rows = run
      .stdout()
      .split('\n')
      .slice(1, 3)
      .map((line) => line.split(/\s{2,}/))
    for (const [, rx, forwarded, , , , , dropped] of rows) expect([forwarded, dropped]).toEqual([rx, '0'])
    expect(ports.map(({ totals }) => totals.dropped.rule)).toEqual([0, 0])
    expect(run.stderr()).toContain('"msg":"final counters"')
    expect(run.stderr()).not.toMatch(/mbufs did not come back|worker died/)
  }, 300_000)

  test('a rule that stays keeps what it counted, and one that went too', async () => {
    const stays = { name: 'stays', match: every, to: 'forward' }
    const run = startRun({ ...nullPorts, rules: [{ name: 'goes', match: 'tcp', to: 'drop' }, stays] })
    await run.ready()
    const before = await eventually('packets', async () => {
      const counts = await ruleCounts(run)
      return (counts['stays forward'] ?? 0) > 100_000 ? counts : undefined
    })
    await put(run, [{ name: 'comes', match: 'udp', to: 'drop' }, stays])
    const after = await ruleCounts(run)
    expect(after['stays forward']).toBeGreaterThanOrEqual(before['stays forward'] ?? 0)
    expect(after).toMatchObject({ 'goes drop': 0, 'comes drop': 0 })
    await stop(run)
  })

  test('a bad list is refused whole, with every error, and the old one stays in force', async () => {
    const run = startRun({ ...nullPorts, rules: [{ name: 'good', match: every, to: 'forward' }] })
    await run.ready()
    const bad = [
      { name: 'fine', match: 'tcp', to: 'drop' },
      { name: 'typo', match: 'udp prot 5', to: 'drop' },
      { name: 'host', match: 'host example.org', to: 'drop' },
    ]
    const refusal = await put(run, bad).catch((error: Error) => error)
    expect(refusal).toMatchObject({ code: 'ERR_RULE' })
    expect((refusal as Error).message.split('\n')).toEqual([
      expect.stringMatching(/^rule "typo": .*syntax error, found "udp prot 5"$/),
      expect.stringMatching(/^rule "host": .*found "host example.org"$/),
    ])
    expect(await get(run)).toMatchObject({ generation: 1, refused: 1, rules: [{ name: 'good' }], origin: 'start' })
    expect(await run.get('/metrics')).toContain('spillway_rules_refused_total 1\n')
    await stop(run)
  })

  test('stay for the worker after this one', async () => {
    const run = startRun(nullPorts)
    const { worker } = await run.ready()
    await put(run, [{ name: 'mine', match: every, to: 'forward' }])
    process.kill(worker.pid ?? 0, 'SIGKILL')
    const next = await eventually('the next worker', async () => {
      const status = await run.status()
      return status.ready && status.worker.pid !== worker.pid ? status : undefined
    })
    expect(next.rules.inForce.map(({ name }) => name)).toEqual(['mine', 'default'])
    await stop(run)
  })
})

describe('SIGHUP', () => {
  const rules = (name: string) => ({ ...nullPorts, rules: [{ name, match: every, to: 'forward' }] })

  test('puts the rules of the file in force, and says what needs a restart', async () => {
    const run = startRun(rules('before'))
    const { worker } = await run.ready()
    rewrite(run, { ...rules('after'), burst: 64 })
    run.child.kill('SIGHUP')
    await eventually('the rules of the file', async () => (await get(run)).rules[0]?.name === 'after' || undefined)
    expect(await get(run)).toMatchObject({ origin: 'reload', generation: 2 })
    expect((await run.status()).worker.pid).toBe(worker.pid)
    expect(run.stderr()).toMatch(/"settings":\["burst"\],"msg":"changed settings that need a restart"/)
    expect(spillway(run, 'rules', 'reload').stdout).toBe(
      'generation 3 in force: 1 rules of yours, 2 in all\nburst changed and needs a restart\n',
    )
    await stop(run)
  })

  test('with a file that is wrong leaves the rules as they are and counts it', async () => {
    const run = startRun(rules('before'))
    await run.ready()
    rewrite(run, { rules: [{ name: 'x', match: 'tcp', to: 'nowhere' }] })
    run.child.kill('SIGHUP')
    await eventually('the refusal', async () => (await run.status()).rules.refused === 1 || undefined)
    expect((await run.status()).rules).toMatchObject({
      generation: 1,
      lastRefusal: expect.stringContaining('rules[0].to: expected one of kernel, forward, drop, found "nowhere"'),
    })
    await stop(run)
  })

  test('before it forwards is not lost', async () => {
    const run = startRun(rules('before'))
    await eventually('its first line', () => run.stderr() !== '' || undefined)
    rewrite(run, rules('after'))
    run.child.kill('SIGHUP')
    await run.ready()
    await eventually('the rules of the file', async () => (await get(run)).rules[0]?.name === 'after' || undefined)
    await stop(run)
  })
})

describe('the control socket of a run', () => {
  test("is the pod user's alone, and comes back after SIGKILL left it behind", async () => {
    const first = startRun(nullPorts)
    await first.ready()
    expect(statSync(socketOf(first)).mode & 0o777).toBe(0o600)
    first.child.kill('SIGKILL')
    await first.ended
    expect(existsSync(socketOf(first))).toBe(true)
    const second = startRun({ ...nullPorts, control: { path: socketOf(first) } })
    await second.ready()
    expect(await askControl(socketOf(first), { method: 'GET', path: '/api/v1/rules' })).toMatchObject({ generation: 1 })
    await stop(second)
  })

  test.skipIf(process.getuid?.() !== 0)('works for an arbitrary user on a read-only root', async () => {
    const uid = 1000680000
    const scratch = makeImageFolder()
    const onTmpfs = `mount -t tmpfs none ${scratch} && chmod 1777 ${scratch} && exec "$@"`
    const below = [...inMounts(onTmpfs), ...inMounts('mount -o remount,bind,ro / && exec "$@"'), ...asUser(uid, 0)]
    const run = startRun(nullPorts, { below: [...below, 'env', `TMPDIR=${scratch}`], uid })
    await run.ready()
    const opened = /"path":"([^"]+)","msg":"control socket open"/.exec(run.stderr())?.[1]
    expect(opened).toMatch(new RegExp(`/spillway-${uid}/control\\.sock$`))
    await stop(run)
  })

  test('refuses a second change while one is under way, and the first is whole', async () => {
    const run = startRun(nullPorts)
    await run.ready()
    const list = (name: string) => [{ name, match: 'udp port 7', to: 'drop' }]
    const prover = childNamed(run.child.pid ?? 0, 'spillway-prover') ?? expect.fail('there is no prover')
    // Neither is proved before one of them is refused: which comes first does not matter.
    process.kill(prover, 'SIGSTOP')
    const answers = ['a', 'b'].map((name) => put(run, list(name)).then((answer) => ({ name, answer })))
    const outcomes = answers.map((answer) => answer.catch((error: Error) => error))
    try {
      expect(await Promise.race(outcomes)).toMatchObject({ code: 'ERR_BUSY' })
    } finally {
      process.kill(prover, 'SIGCONT')
    }
    const { name, answer } = await Promise.any(answers)
    expect(answer).toMatchObject({ generation: 2, rules: [{ name }] })
    expect((await Promise.allSettled(answers)).filter(({ status }) => status === 'rejected')).toHaveLength(1)
    expect(await get(run)).toMatchObject({ generation: 2, rules: [{ name }] })
    await stop(run)
  })

  test('is where the commands look: put, show, and put what show printed', async () => {
    const run = startRun(nullPorts)
    await run.ready()
    const file = join(run.folder, 'list.yaml')
    writeFileSync(file, '- { name: bgp, match: "tcp port 179", to: drop }\n')
    expect(spillway(run, 'rules', 'put', file)).toMatchObject({
      stdout: 'generation 2 in force: 1 rules of yours, 2 in all\n',
      status: 0,
    })
    const shown = spillway(run, 'rules', 'show').stdout
    writeFileSync(file, shown)
    expect(spillway(run, 'rules', 'put', file).status).toBe(0)
    expect(spillway(run, 'rules', 'show').stdout).toBe(shown)
    writeFileSync(file, '- { name: bgp, match: "tcp prot 179", to: drop }\n')
    expect(spillway(run, 'rules', 'put', file)).toMatchObject({
      status: 78,
      stderr: expect.stringContaining('ERR_RULE: rule "bgp"'),
    })
    await stop(run)
    expect(spillway(run, 'rules', 'show')).toMatchObject({
      status: 69,
      stderr: expect.stringContaining('ERR_UNREACHABLE'),
    })
  })
})
