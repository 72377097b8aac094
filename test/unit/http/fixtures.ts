import { parseListen } from '../../../src/config/listen.js'
import { servedRun } from '../../../src/http/served-run.js'
import { type HttpServer, startHttpServer } from '../../../src/http/server.js'
import { MetricsExporter } from '../../../src/metrics/exporter.js'
import type { ChecksReport } from '../../../src/preflight/refuse.js'
import { fixtureWorker, type Started, startSupervisor } from '../supervisor/fixtures.js'

export interface Served extends Started {
  readonly http: HttpServer
  readonly metrics: MetricsExporter
  end(): Promise<void>
}

/** What `run` found before it started, as the server gets it. */
export const checks: ChecksReport = {
  at: '2026-01-01T00:00:00.000Z',
  instance: { pid: 1, container: 'app', mountNamespace: 'mnt:[4026532612]' },
  findings: [
    {
      code: 'quota',
      level: 'warning',
      subject: 'cpu.max',
      needed: 'no quota',
      found: '100000 100000',
      cause: null,
      remedy: null,
    },
  ],
  tookMs: { planMs: 1, checksMs: 1, probesMs: 0 },
}

/** A supervisor with a fixture worker and its HTTP server, as `run` puts them together. */
export async function serveFixture(
  listen: string,
  ...[worker = fixtureWorker('good'), options]: Partial<Parameters<typeof startSupervisor>>
): Promise<Served> {
  const started = startSupervisor(worker, options)
  const metrics = new MetricsExporter(started.supervisor, '0.0.0-test')
  const end = async (): Promise<void> => {
    started.supervisor.stop()
    started.supervisor.stop()
    await started.ended
    metrics.stop()
  }
  const address = parseListen(listen)
  if (!address) throw new RangeError(`not an address: ${listen}`)
  try {
    const instance = servedRun(started.supervisor, '0.0.0-test', checks)
    const http = await startHttpServer({ listen: address, instance, metrics })
    const endAll = async (): Promise<void> => {
      await end()
      await http.close()
    }
    return { ...started, http, metrics, end: endAll }
  } catch (error) {
    await end()
    throw error
  }
}
