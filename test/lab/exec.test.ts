import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { afterEach, describe, expect, test } from 'vitest'
import { tryCommand } from '../../src/lab/commands.js'
import { eventually } from '../eventually.js'

import { descendants, endLabCommands, isAlive, type LabProcess, runFolders, startLabCommand } from './lab-process.js'
import { parseMetrics } from './prometheus.js'

afterEach(endLabCommands)

const root = fileURLToPath(new URL('../../', import.meta.url))

/** Small, so that it starts at once; the rest of testpmd's command line as in the documentation. */
const testpmd = ['--auto-start', '--stats-period', '1', '--total-num-mbufs=4096', '--no-mlockall']

interface Exec extends LabProcess {
  get(path: string): Promise<{ readonly ok: boolean; readonly text: string }>
  metrics(): Promise<Map<string, number>>
  /** Waits until /readyz says so. */
  ready(): Promise<void>
  /** A ping from the peer: how many of 3 came back. */
  ping(): Promise<number>
}

/** `spillway lab -- exec -- dpdk-testpmd …`, as a user types it. */
function startTestpmd(ealArgs: readonly string[] = ['{eal}'], options: readonly string[] = []): Exec {
  const lab = startLabCommand([
    '--http',
    '127.0.0.1:0',
    '--',
    'exec',
    ...options,
    '--',
    'dpdk-testpmd',
    ...ealArgs,
    '--',
    ...testpmd,
  ])
  const introduced = (pattern: RegExp): Promise<string> =>
    eventually('the lab introduces itself', async () => {
      if (lab.child.exitCode !== null) throw new Error(`it ended with ${lab.child.exitCode}: ${lab.stderr()}`)
      return pattern.exec(lab.stderr())?.[1]
    })
  const get = async (path: string): Promise<{ ok: boolean; text: string }> => {
    const answer = await fetch(`${await introduced(/HTTP of what serves it: (\S+)/)}${path}`)
    return { ok: answer.ok, text: await answer.text() }
  }
  return {
    ...lab,
    get,
    metrics: async () => parseMetrics((await get('/metrics')).text),
    ready: async () => {
      await eventually('the program is ready', async () => (await get('/readyz')).ok)
    },
    ping: async () => {
      const words = (await introduced(/a program at the peer: (.*)/)).split(' ')
      const { stdout } = await tryCommand([...words, '-c', '3', '-i', '0.2', '-W', '1'])
      return Number(/(\d+) received/.exec(stdout)?.[1])
    },
  }
}

function testpmdPid(exec: Exec): Promise<number> {
  return eventually('testpmd runs', async () => {
    const { text } = await exec.get('/api/v1/status')
    return (JSON.parse(text) as { program: { pid: number | null } }).program.pid ?? undefined
  })
}

describe('dpdk-testpmd under the plan', () => {
  test('carries pings between the VF and the tap, and its metrics count them', async () => {
    const exec = startTestpmd()
    await exec.ready()
    expect(await exec.ping()).toBe(3)
    const rx = 'spillway_port_rx_packets_total{port="net_af_packet0"}'
    const tx = 'spillway_port_tx_packets_total{port="net_tap0"}'
    // 3 echo requests and the question for the address, at the least.
    const before = await eventually('the pings are counted', async () => {
      const metrics = await exec.metrics()
      return (metrics.get(rx) ?? 0) >= 4 && (metrics.get(tx) ?? 0) >= 3 ? metrics : undefined
    })
    expect(await exec.ping()).toBe(3)
    const after = await eventually('three more are counted', async () => {
      const metrics = await exec.metrics()
      return (metrics.get(rx) ?? 0) >= (before.get(rx) ?? 0) + 3 ? metrics : undefined
    })
    expect(after.get('spillway_telemetry_up')).toBe(1)
    expect(after.get('spillway_program_up')).toBe(1)
    expect(after.get('spillway_heap_used_bytes{heap="socket_0"}')).toBeLessThanOrEqual(
      after.get('spillway_heap_bytes{heap="socket_0"}') ?? 0,
    )
    expect(after.get('spillway_port_xstat{port="net_tap0",name="tx_good_packets"}')).toBeGreaterThanOrEqual(6)
    const { text } = await exec.get('/metrics')
    const PATH = `${process.env.PATH}:${root}.cache/bin`
    const lint = spawnSync('promtool', ['check', 'metrics'], {
      input: text,
      encoding: 'utf8',
      env: { ...process.env, PATH },
    })
    expect({ status: lint.status, output: lint.stdout + lint.stderr }).toEqual({ status: 0, output: '' })
  })

  test('ends clean on SIGTERM, although its telemetry was asked until then, and leaves nothing', async () => {
    const before = runFolders()
    const exec = startTestpmd()
    await exec.ready()
    const below = descendants(exec.child.pid ?? 0)
    exec.child.kill('SIGTERM')
    expect(await exec.ended).toEqual({ exitCode: 0, signal: null })
    expect(exec.stdout()).toContain('Bye...')
    expect(below.filter(isAlive)).toEqual([])
    expect(runFolders()).toEqual(before)
  })

  test('of which SIGKILL makes an end is started again, and carries pings as before', async () => {
    const exec = startTestpmd()
    await exec.ready()
    const first = await testpmdPid(exec)
    process.kill(first, 'SIGKILL')
    await eventually('another one', async () => (await testpmdPid(exec)) !== first)
    await exec.ready()
    expect((await exec.metrics()).get('spillway_program_restarts_total{cause="killed"}')).toBe(1)
    expect(await exec.ping()).toBe(3)
  })

  test('without telemetry is ready when it runs, and its metrics say that it tells nothing', async () => {
    const exec = startTestpmd(['{eal}', '--no-telemetry'])
    await exec.ready()
    const metrics = await exec.metrics()
    expect(metrics.get('spillway_telemetry_up')).toBe(0)
    expect(metrics.get('spillway_program_up')).toBe(1)
  })
})

describe('a command in the lab', () => {
  test('has its exit code passed on, and its refusal', async () => {
    const exec = startTestpmd(['-a', '{pci}'])
    expect(await exec.ended).toEqual({ exitCode: 69, signal: null })
    expect(exec.stderr()).toContain('ERR_PLACEHOLDER: {pci}: need the PCI address of a VF')
  })

  test("sees the pod's own netdevs in /sys: plan and doctor know the tap", async () => {
    const plan = startLabCommand(['--http', '127.0.0.1:0', '--', 'plan', '--format', 'eal'])
    expect(await plan.ended).toEqual({ exitCode: 0, signal: null })
    expect(plan.stdout()).toContain('net_tap0,iface=ext0,mac=02:00:0a:63:00:01')
  })
})
