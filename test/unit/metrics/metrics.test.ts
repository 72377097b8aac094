import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { metricDefinitions } from '../../../src/metrics/definitions.js'
import { MetricsExporter, type MetricsFormat, type MetricsSource } from '../../../src/metrics/exporter.js'
import { renderMetricsReference } from '../../../src/metrics/reference.js'
import { dropReasons, nativeDropReasons } from '../../../src/metrics/sources.js'
import { beforeStart, whileDown, whileRunning } from './fixtures.js'

const root = fileURLToPath(new URL('../../../', import.meta.url))

async function render(source: MetricsSource, format: MetricsFormat = 'text'): Promise<string> {
  const exporter = new MetricsExporter(source, '1.2.3')
  try {
    return await exporter.render(format)
  } finally {
    exporter.stop()
  }
}

/** Values that are of this process and this moment. */
function withoutThisMoment(text: string): string {
  return text
    .replace(/^((?:process_|nodejs_|spillway_worker_process_|spillway_scrape_duration)\w*) .*$/gm, '$1 …')
    .replace(/node_version="[^"]*"/, 'node_version="…"')
}

/** Metric names that have at least one sample. */
function namesWithSamples(text: string): Set<string> {
  return new Set([...text.matchAll(/^(\w+?)(?:_bucket|_sum|_count)?(?:\{.*\})? \S+$/gm)].map(([, name = '']) => name))
}

describe('/metrics', () => {
  test.each([
    ['text', 'text'],
    ['openMetrics', 'openmetrics'],
  ] as const)('in %s is word for word what the golden file says', async (format, file) => {
    await expect(withoutThisMoment(await render(whileRunning, format))).toMatchFileSnapshot(
      `../../golden/metrics.${file}.txt`,
    )
  })

  test('has a sample of every metric there is while everything runs', async () => {
    const names = namesWithSamples(await render(whileRunning))
    expect(metricDefinitions.map(({ name }) => name).filter((name) => !names.has(name))).toEqual([])
  })

  test('gives promtool nothing to complain about, running or not', async () => {
    const PATH = `${process.env.PATH}:${root}.cache/bin`
    for (const source of [whileRunning, whileDown, beforeStart]) {
      const { status, stdout, stderr, error } = spawnSync('promtool', ['check', 'metrics'], {
        input: await render(source),
        encoding: 'utf8',
        env: { ...process.env, PATH },
      })
      expect(error, 'promtool is missing: node scripts/setup.mjs test').toBeUndefined()
      expect({ status, output: stdout + stderr }).toEqual({ status: 0, output: '' })
    }
  })

  test('keeps counters whole to the last bit that a double has', async () => {
    expect(await render(whileRunning)).toContain('spillway_port_rx_bytes_total{port="vf0"} 9007199254740992\n')
  })

  test('shows both formats with their names whatever was scraped before', async () => {
    const exporter = new MetricsExporter(whileRunning, '1.2.3')
    const first = withoutThisMoment(await exporter.render('text'))
    await exporter.render('openMetrics')
    expect(withoutThisMoment(await exporter.render('text'))).toBe(first)
    exporter.stop()
  })
})

describe('while there is no worker', () => {
  test('every metric is what its row says: kept, absent, zero or going on', async () => {
    const [up, down] = [await render(whileRunning), await render(whileDown)]
    const lines = (text: string, name: string) =>
      text.split('\n').filter((line) => new RegExp(`^${name}(_bucket|_sum|_count)?[{ ]`).test(line))
    for (const { name, source } of metricDefinitions) {
      const [before, now] = [lines(up, name), lines(down, name)]
      if (source.whileDown === 'kept') expect(now, name).toEqual(before)
      if (source.whileDown === 'gone') expect(now, name).toEqual([])
      if (source.whileDown === 'zero') expect(now, name).toEqual([`${name} 0`])
      if (source.whileDown === 'live') expect(now.length, name).toBe(before.length)
    }
  })

  test('drops and restarts are there from the start, at zero', async () => {
    const text = await render(beforeStart)
    for (const reason of Object.keys(dropReasons))
      expect(text).toContain(`spillway_dropped_packets_total{port="vf0",reason="${reason}"} 0\n`)
    expect(text).toContain('spillway_worker_restarts_total{cause="lcore_stalled"} 0\n')
    expect(text).toContain('spillway_port_rx_packets_total{port="vf0"} 0\n')
  })
})

describe('the tables agree', () => {
  test('docs/metrics.md says what the definitions say (npm run docs)', () => {
    expect(readFileSync(`${root}docs/metrics.md`, 'utf8')).toBe(renderMetricsReference())
  })

  test('the drop reasons are those of the data plane, word for word', () => {
    const counters = readFileSync(`${root}native/dataplane/counters.def`, 'utf8')
    const native = [...counters.matchAll(/^DP_DROP_REASON\(\w+, "(\w+)", "(.*)"\)$/gm)].map(([, name, help]) => [
      name,
      help,
    ])
    expect(Object.entries(nativeDropReasons)).toEqual(native)
  })

  test('every counter of the data plane is exported', () => {
    const counters = readFileSync(`${root}native/dataplane/counters.def`, 'utf8')
    const published = [...counters.matchAll(/^DP_\w+_(?:COUNTER|GAUGE)\(\w+, "(\w+)"/gm)].map(([, name = '']) => name)
    const words = metricDefinitions.map(({ source }) => source.words).join(' ')
    expect(published.length).toBeGreaterThan(20)
    expect(published.filter((name) => !words.includes(`\`${name}\``))).toEqual([])
  })
})
