import type { SpillwayError } from '../errors.js'
import type { Namespaces } from './namespaces.js'
import { type Program, startProgram } from './processes.js'
import { httpClientReport, httpServerReport } from './programs/reports.js'

export interface TcpCount {
  readonly downloads: number
  readonly uploads: number
  readonly failed: number
  readonly lastFailure: string | null
  /** Of the last transfer that arrived. */
  readonly lastMilliseconds: number | null
  /** Verified transfers by address. */
  readonly byHost: Readonly<Record<string, number>>
}

export interface TcpTraffic {
  count(): TcpCount
  stop(): Promise<TcpCount>
}

const port = 8080

/**
 * Moves 1 MiB at a time over TCP between the peer's kernel and the pod's, both ways, over each of `addresses`,
 * and verifies every byte. Resolves when the server listens.
 */
export async function startTcp(
  { pod, peer }: Namespaces,
  programs: URL,
  { addresses, pauseMs }: { readonly addresses: readonly string[]; readonly pauseMs: number },
  onFailure: (error: SpillwayError) => void,
): Promise<TcpTraffic> {
  const server = await startServer({ pod, programs, addresses, onFailure })
  const urls = addresses.map((address) => `http://${address.includes(':') ? `[${address}]` : address}:${port}/`)
  const count = { downloads: 0, uploads: 0, failed: 0, lastFailure: null as string | null }
  const byHost: Record<string, number> = {}
  let lastMilliseconds: number | null = null
  const client = startProgram(
    peer,
    { folder: programs, name: 'http-client.js', args: [String(pauseMs), ...urls], report: httpClientReport },
    {
      onFailure,
      onReport: (report) => {
        if (report.type === 'failed') {
          count.failed++
          count.lastFailure = `${report.direction} ${report.host}: ${report.message}`
          return
        }
        count[report.direction === 'download' ? 'downloads' : 'uploads']++
        byHost[report.host] = (byHost[report.host] ?? 0) + 1
        lastMilliseconds = report.milliseconds
      },
    },
  )
  const total = (): TcpCount => ({ ...count, byHost: { ...byHost }, lastMilliseconds })
  return {
    count: total,
    stop: async () => {
      await client.stop()
      await server.stop()
      return total()
    },
  }
}

interface ServerSpec {
  readonly pod: Namespaces['pod']
  readonly programs: URL
  readonly addresses: readonly string[]
  readonly onFailure: (error: SpillwayError) => void
}

function startServer({ pod, programs, addresses, onFailure }: ServerSpec): Promise<Program> {
  return new Promise((resolve, reject) => {
    const server = startProgram(
      pod,
      { folder: programs, name: 'http-server.js', args: [String(port), ...addresses], report: httpServerReport },
      {
        onReport: () => resolve(server),
        onFailure: (error) => {
          reject(error)
          onFailure(error)
        },
      },
    )
  })
}
