import { type Command, InvalidArgumentError, Option } from 'commander'
import { parseListen } from '../config/listen.js'

interface LabFlags {
  readonly duration: number | null
  readonly http: { readonly host: string; readonly port: number }
  readonly udpPps: number
  readonly verbose: boolean
}

/** npm and the terminal's group both deliver one Ctrl-C, so a second signal says nothing; the end has its deadlines. */
const endingSignals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

export function addLabCommand(program: Command): void {
  program
    .command('lab')
    .description('run Spillway in namespaces, without root')
    .argument('[command...]', 'a command to run there instead, e.g. -- doctor or -- exec -- dpdk-testpmd {eal}')
    .passThroughOptions()
    .addOption(
      new Option('--duration <time>', 'end after this time with a summary, e.g. 10s or 5m')
        .argParser(parseDuration)
        .default(null, 'until Ctrl-C'),
    )
    .addOption(
      new Option('--http <host:port>', 'where metrics and status are served on this machine')
        .argParser(parseHttp)
        .default(parseHttp(defaultHttp), defaultHttp),
    )
    .option('--udp-pps <n>', 'datagrams a second for the fast path', parsePps, 20_000)
    .option('-v, --verbose', "show every line of Spillway's log, not only warnings", false)
    .action(async (argv: string[], { duration, http, udpPps, verbose }: LabFlags) => {
      if (argv.length > 0) {
        const { runLabCommand } = await import('../lab/lab-command.js')
        process.exitCode = await runLabCommand({ argv, http, durationMs: duration })
        return
      }
      const { runLab } = await import('../lab/lab.js')
      const { configureLogging } = await import('../log.js')
      await configureLogging({ level: 'info', format: 'auto' })
      const ask = new AbortController()
      for (const signal of endingSignals) process.on(signal, () => ask.abort())
      await runLab({ durationMs: duration, http, udpPps, verbose }, ask.signal)
    })
}

const defaultHttp = '127.0.0.1:9464'

const unitMs = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 } as const

function parseDuration(text: string): number {
  const match = /^(\d{1,6}(?:\.\d+)?)(ms|s|m|h)$/.exec(text)
  const ms = Number(match?.[1]) * (unitMs[match?.[2] as keyof typeof unitMs] ?? Number.NaN)
  // The longest timer there is.
  if (!(ms > 0 && ms < 2 ** 31)) throw new InvalidArgumentError('expected a time such as 500ms, 10s, 5m or 1h.')
  return ms
}

function parseHttp(text: string): { host: string; port: number } {
  const address = parseListen(text)
  if (address?.kind === 'tcp') return { host: address.host, port: address.port }
  throw new InvalidArgumentError('expected host:port, such as 127.0.0.1:9464, or 127.0.0.1:0 for any free port.')
}

function parsePps(text: string): number {
  const pps = Number(text)
  if (Number.isInteger(pps) && pps >= 1 && pps <= 200_000) return pps
  throw new InvalidArgumentError('expected a whole number from 1 to 200000.')
}
