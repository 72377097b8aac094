import { type Command, InvalidArgumentError } from 'commander'
import type { TopOptions } from './run-top.js'

export function addTopCommand(program: Command): void {
  program
    .command('top')
    .description('show live rates of a running instance')
    .option('-u, --url <url>', 'the instance', parseUrl, 'http://127.0.0.1:9464')
    .option('-i, --interval <seconds>', 'time between two looks', parseSeconds, 1)
    .option('-1, --once', 'print one table and end')
    .option('--json', 'print /api/v1/status instead of a table, one document a line')
    .action(async (options: TopOptions) => {
      const { runTop } = await import('./run-top.js')
      await runTop(options)
    })
}

function parseUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url?.protocol === 'http:' || url?.protocol === 'https:') return url.origin
  throw new InvalidArgumentError('expected http://HOST:PORT.')
}

function parseSeconds(text: string): number {
  const seconds = Number(text)
  if (seconds >= 0.1 && seconds <= 3600) return seconds
  throw new InvalidArgumentError('expected seconds from 0.1 to 3600.')
}
