import { type Command, InvalidArgumentError, Option } from 'commander'
import type { CaptureOptions } from '../capture/run-capture.js'

export function addCaptureCommand(program: Command): void {
  const command = program.command('capture').description('copy packets of an instance as pcapng')
  command
    .option('-p, --port <name>', 'a port; repeatable (default: all)', collect)
    .option(
      '-w, --where <place>',
      'received, forwarded, punted, injected, dropped or dropped:REASON; repeatable',
      collect,
    )
    .option('-f, --filter <expression>', 'pcap-filter(7): which packets (default: all)')
    .option('-o, --output <file>', 'where to write (default: stdout, for "| tcpdump -r -")')
    .option('-n, --count <packets>', 'end after so many', number(1, 4_000_000_000))
    .option('-t, --seconds <seconds>', 'end after so long', number(1, 1_000_000))
    .option('--sample <n>', 'one packet in n', number(1, 1_000_000))
    .option('--snaplen <bytes>', 'bytes of each packet (default: all)', number(16, 16_384))
    .option(
      '--pps <packets>',
      'at most so many a second from each lcore, 0: all (default: 10000)',
      number(0, 10_000_000),
    )
    .addOption(new Option('-s, --socket <path>', "the instance's control socket (default: where control.path puts it)"))
    .addHelpText('after', '\nWithout --where: punted and injected, what passes between port and kernel.')
    .action(async (options: CaptureOptions) => {
      const { runCapture } = await import('../capture/run-capture.js')
      await runCapture(options)
    })
}

function collect(value: string, before: readonly string[] = []): string[] {
  return [...before, value]
}

function number(least: number, most: number) {
  return (text: string): number => {
    const value = Number(text)
    if (Number.isInteger(value) && value >= least && value <= most) return value
    throw new InvalidArgumentError(`expected a whole number from ${least} to ${most}.`)
  }
}
