import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import type { KeeperView } from '../../../src/exec/keeper.js'
import { execDefinitions } from '../../../src/metrics/exec-definitions.js'
import { ExecExporter } from '../../../src/metrics/exec-exporter.js'
import type { MetricsFormat } from '../../../src/metrics/scraper.js'
import type { TelemetryView } from '../../../src/telemetry/poller.js'
import type { PortReading, Reading } from '../../../src/telemetry/reading.js'

const root = fileURLToPath(new URL('../../../', import.meta.url))

const running: KeeperView = {
  state: 'running',
  program: '/usr/bin/dpdk-testpmd',
  args: ['--auto-start'],
  pid: process.pid,
  startedAtMs: 0,
  programStartedAtMs: 1,
  restarts: { exited: 1, killed: 2, crashed: 0 },
  lastDeath: null,
}

function port(portId: number, name: string, xstats: PortReading['xstats'] = [['rx_q0_packets', 5]]): PortReading {
  const stats = {
    ipackets: 10,
    opackets: 9,
    ibytes: 800,
    obytes: 700,
    imissed: 1,
    ierrors: 2,
    oerrors: 3,
    rx_nombuf: 4,
  }
  return {
    portId,
    info: {
      name,
      mac_addr: '02:00:0A:63:00:01',
      mtu: 1500,
      nb_rx_queues: 1,
      nb_tx_queues: 1,
      numa_node: 0,
      dev_configured: 1,
      dev_started: 1,
    },
    stats,
    link: { status: 'UP', speed: 25_000 },
    xstats,
    xstatsComplete: true,
  }
}

const newer: Reading = {
  version: '24.11.1',
  pid: process.pid,
  ports: [port(0, '0000:3b:02.4'), port(1, 'net_tap0')],
  heaps: [{ name: 'socket_0', totalBytes: 1000, usedBytes: 600, greatestFreeBytes: 400 }],
  pools: [{ name: 'mb_pool_0', objects: 2048, inUse: 48 }],
  lcores: [{ lcoreId: 1, total: 100, busy: 40 }],
}

async function render(view: KeeperView, telemetry: TelemetryView, format: MetricsFormat = 'text'): Promise<string> {
  const exporter = new ExecExporter({ keeper: { view }, telemetry: { view: telemetry } }, '1.2.3', [])
  try {
    return await exporter.render(format)
  } finally {
    exporter.stop()
  }
}

function lint(text: string): { status: number | null; output: string } {
  const PATH = `${process.env.PATH}:${root}.cache/bin`
  const { status, stdout, stderr, error } = spawnSync('promtool', ['check', 'metrics'], {
    input: text,
    encoding: 'utf8',
    env: { ...process.env, PATH },
  })
  expect(error, 'promtool is missing: node scripts/setup.mjs test').toBeUndefined()
  return { status, output: stdout + stderr }
}

function seriesOf(text: string): string[] {
  return [...text.matchAll(/^([a-z]\w*(?:\{.*\})?) \S+$/gm)].map(([, series = '']) => series)
}

const up: TelemetryView = { up: true, reading: newer, failures: 0, problem: null }
const silent: TelemetryView = { up: false, reading: null, failures: 0, problem: 'nobody there' }

describe('/metrics of exec', () => {
  test.each(['text', 'openMetrics'] as const)('in %s is word for word what the golden file says', async (format) => {
    const text = (await render(running, up, format)).replace(
      /^((?:process_|nodejs_|spillway_program_process_|spillway_scrape_duration)\w*) .*$/gm,
      '$1 …',
    )
    await expect(text.replace(/node_version="[^"]*"/, 'node_version="…"')).toMatchFileSnapshot(
      `../../golden/metrics.exec.${format.toLowerCase()}.txt`,
    )
  })

  test('has a sample of every metric there is when a newer program runs', async () => {
    const names = new Set(seriesOf(await render(running, up)).map((series) => series.replace(/\{.*/, '')))
    expect(execDefinitions.map(({ name }) => name).filter((name) => !names.has(name))).toEqual([])
  })

  test('gives promtool nothing to complain about, answering or not', async () => {
    const dead: KeeperView = { ...running, state: 'waiting', pid: null, programStartedAtMs: null }
    for (const [view, telemetry] of [
      [running, up],
      [running, silent],
      [dead, { ...up, up: false }],
    ] as const) {
      expect(lint(await render(view, telemetry))).toEqual({ status: 0, output: '' })
    }
  })

  test('says 0 about a program that does not answer, and leaves out what it never said', async () => {
    const text = await render(running, silent)
    expect(text).toContain('\nspillway_telemetry_up 0\n')
    expect(text).not.toMatch(/^spillway_port_/m)
  })

  test('keeps the last answers of a program that is gone', async () => {
    const text = await render({ ...running, state: 'waiting', pid: null }, { ...up, up: false })
    expect(text).toContain('spillway_port_rx_packets_total{port="net_tap0"} 10\n')
    expect(text).toContain('\nspillway_program_up 0\n')
  })

  test('has no series twice, whatever the program calls its things', async () => {
    const nasty = ['a"b', 'a\\', 'a\nb', 'a{b="c"} 1', 'ä', '\u0000']
    const twice = [...nasty, ...nasty]
    const reading: Reading = {
      ...newer,
      ports: twice.map((name, i) =>
        port(
          i,
          name,
          twice.map((xstat) => [xstat, i] as const),
        ),
      ),
      heaps: twice.map((name) => ({ name, totalBytes: 2, usedBytes: 1, greatestFreeBytes: 1 })),
      pools: twice.map((name) => ({ name, objects: 1, inUse: 0 })),
      lcores: [...newer.lcores, ...newer.lcores],
    }
    const text = await render(running, { ...up, reading })
    expect(lint(text)).toEqual({ status: 0, output: '' })
    const series = seriesOf(text)
    expect(series.length).toBe(new Set(series).size)
  })

  test('knows no speed when DPDK says that it knows none', async () => {
    const reading = { ...newer, ports: [{ ...port(0, 'a'), link: { status: 'DOWN', speed: 0xffff_ffff } }] }
    const text = await render(running, { ...up, reading })
    expect(text).toContain('spillway_port_link_up{port="a"} 0\n')
    expect(text).not.toContain('spillway_port_link_speed_bytes{')
  })
})
