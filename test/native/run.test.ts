import { readdirSync, readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import { endCommands } from './built-command.js'
import { childNamed, eventually, isAlive, nullPorts, type RunProcess, startRun } from './run-process.js'

afterEach(endCommands)

/** Sum of a metric's samples whose labels match. */
function sumOf(page: string, metric: RegExp): number {
  return page
    .split('\n')
    .filter((line) => metric.test(line))
    .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0)
}

async function otherWorker(run: RunProcess, old: number): Promise<number> {
  return eventually('another worker forwards', async () => {
    const { ready, worker } = await run.status()
    return ready && worker.pid !== null && worker.pid !== old ? worker.pid : undefined
  })
}

describe('spillway run', () => {
  test('forwards, tells what it did on stdout, accounts for every packet and ends with 0 on SIGTERM', async () => {
    const run = startRun(nullPorts)
    await run.ready()
    await eventually('packets', async () => ((await run.status()).ports[0]?.totals.rxPackets ?? 0) > 0 || undefined)
    run.child.kill('SIGTERM')
    expect(await run.ended).toEqual({ exitCode: 0, signal: null })

    const rows = run
      .stdout()
      .split('\n')
      .slice(0, 3)
      .map((line) => line.split(/\s{2,}/))
    expect(rows[0]).toEqual(['port', 'rx', 'forwarded', 'punted', 'tap rx', 'injected', 'consumed', 'dropped'])
    for (const [, ...numbers] of rows.slice(1)) {
      const [rx = 0, forwarded = 0, punted = 0, , , consumed = 0, dropped = 0] = numbers.map(Number)
      expect(rx).toBeGreaterThan(0)
      expect(forwarded + punted + consumed + dropped).toBe(rx)
    }
    expect(run.stderr()).toContain('"msg":"effective configuration"')
    expect(run.stderr()).toContain('"msg":"EAL arguments"')
    expect(run.stderr()).toContain('"msg":"final counters"')
    expect(readdirSync(run.folder)).toEqual(['spillway.yaml'])
  })

  test.each([
    ['SIGKILL', 'killed'],
    ['SIGSEGV', 'crashed'],
    ['SIGSTOP', 'lcore_stalled'],
  ] as const)('replaces a worker after %s, counts it as %s, and its counters go on', async (signal, cause) => {
    const run = startRun({ ...nullPorts, watchdog: { stallMs: 500 } })
    const { pid } = (await run.ready()).worker
    const before = await run.get('/metrics')
    process.kill(pid ?? 0, signal)
    await otherWorker(run, pid ?? 0)
    const after = await run.get('/metrics')
    expect(after).toContain(`spillway_worker_restarts_total{cause="${cause}"} 1\n`)
    const packets = /^spillway_queue_rx_packets_total/
    expect(sumOf(after, packets)).toBeGreaterThanOrEqual(sumOf(before, packets))
    expect(sumOf(after, /^spillway_worker_process_cpu_seconds_total/)).toBeGreaterThanOrEqual(
      sumOf(before, /^spillway_worker_process_cpu_seconds_total/),
    )
    run.child.kill('SIGTERM')
    expect(await run.ended).toEqual({ exitCode: 0, signal: null })
    expect(isAlive(pid ?? 0)).toBe(false)
  })

  test('keeps itself and everything of the worker but its lcores on housekeeping CPUs', async () => {
    const run = startRun(nullPorts)
    const { worker, lcores } = await run.ready()
    const allowed = (pid: number) =>
      readdirSync(`/proc/${pid}/task`).map((task) => {
        const status = readFileSync(`/proc/${pid}/task/${task}/status`, 'utf8')
        return { name: /^Name:\s+(.*)/m.exec(status)?.[1] ?? '', cpus: /^Cpus_allowed_list:\s+(.*)/m.exec(status)?.[1] }
      })
    expect(lcores).toMatchObject([{ cpuId: 1 }])
    expect(new Set(allowed(run.child.pid ?? 0).map(({ cpus }) => cpus))).toEqual(new Set(['0']))
    const polling = allowed(worker.pid ?? 0).filter(({ cpus }) => cpus !== '0')
    expect(polling).toMatchObject([{ cpus: '1' }])
    run.child.kill('SIGTERM')
    await run.ended
  })

  test('takes its worker along when it is killed itself', async () => {
    const run = startRun(nullPorts)
    const { pid } = (await run.ready()).worker
    run.child.kill('SIGKILL')
    await run.ended
    await eventually('the worker is gone', () => (isAlive(pid ?? 0) ? undefined : true))
  })
})

describe('spillway run, told to stop', () => {
  test.each(['SIGTERM', 'SIGINT'] as const)('by %s while its rules are proved, leaves nothing', async (signal) => {
    const run = startRun({ ...nullPorts, rules: [1, 2, 3].map(ruleOf170Hosts) })
    const prover = await eventually('the prover', () => childNamed(run.child.pid ?? 0, 'spillway-prover'))
    run.child.kill(signal)
    expect(await run.ended).toEqual({ exitCode: 0, signal: null })
    expect(run.stderr()).not.toContain('"msg":"worker spawned"')
    expect(run.stderr()).not.toContain('ERR_')
    expect(readdirSync(run.folder)).toEqual(['spillway.yaml'])
    expect(isAlive(prover)).toBe(false)
  })

  test('again and again to the last moment, ends with 0', async () => {
    const run = startRun(nullPorts)
    await run.ready()
    const again = setInterval(() => run.child.kill('SIGTERM'), 1)
    expect(await run.ended.finally(() => clearInterval(again))).toEqual({ exitCode: 0, signal: null })
    expect(readdirSync(run.folder)).toEqual(['spillway.yaml'])
  })
})

/** Three of these keep the prover busy for a second. */
function ruleOf170Hosts(net: number): object {
  const hosts = Array.from({ length: 170 }, (_, host) => `host 10.${net}.${host}.1`)
  return { name: `hosts${net}`, match: hosts.join(' or '), to: 'drop' }
}

describe('what cannot run', () => {
  test('a rule that does not compile ends it with 78 before anything is started', async () => {
    const run = startRun({ ...nullPorts, rules: [{ name: 'typo', match: 'tcp prot 179', to: 'drop' }] })
    expect(await run.ended).toMatchObject({ exitCode: 78 })
    expect(run.stderr()).toMatch(/^spillway: ERR_RULE: .*typo.*syntax error/m)
    expect(run.stderr()).not.toContain('"msg":"listening"')
    expect(readdirSync(run.folder)).toEqual(['spillway.yaml'])
  })

  test('an HTTP port in use ends it with 69 and the remedy', async () => {
    const other = createServer().listen(0, '127.0.0.1')
    await eventually('the other server', () => other.listening || undefined)
    const address = other.address()
    const port = typeof address === 'object' ? address?.port : 0
    const run = startRun({ ...nullPorts, http: { listen: `127.0.0.1:${port}` } })
    expect(await run.ended).toMatchObject({ exitCode: 69 })
    expect(run.stderr()).toMatch(
      new RegExp(`^spillway: ERR_HTTP_IN_USE: http-in-use: .*listens at 127\\.0\\.0\\.1:${port}$`, 'm'),
    )
    expect(run.stderr()).toMatch(/^ {2}hint: .*http\.listen/m)
    other.close()
  })

  test("a device that no driver knows ends it with 69, and the log has the worker's last lines", async () => {
    const run = startRun({
      ...nullPorts,
      ports: [{ name: 'a', device: 'net_nosuch0', exception: { backend: 'none' } }],
    })
    expect(await run.ended).toMatchObject({ exitCode: 69 })
    expect(run.stderr()).toMatch(/^spillway: ERR_DEVICE: .*net_nosuch0/m)
    expect(run.stderr()).toMatch(/"lastLines":\[.*"EAL: .*"msg":"worker cannot start"/)
  })
})
