import { isIP } from 'node:net'
import { type Command, InvalidArgumentError } from 'commander'
import type { NativeRule } from '../ipc/messages.js'
import type { ReplayedPacket } from '../rules/proof.js'
import type { Prover } from '../rules/prover.js'

interface RuleOptions {
  readonly address?: readonly string[]
}

interface InstanceOptions {
  readonly socket?: string
}

export function addRulesCommand(program: Command): void {
  const command = program.command('rules').description('try rules; show and change those in force')
  const file = 'a spillway.yaml, or a YAML file that is just the list of rules'
  addAddressOption(command.command('check').description('compile the rules and prove them against libpcap'))
    .argument('<file>', file)
    .action((rules: string, options: RuleOptions) => withProver(rules, options, check))
  addAddressOption(command.command('test').description('say which rule takes each packet of a capture file'))
    .argument('<file>', file)
    .argument('<capture>', 'a pcap or pcapng file of Ethernet frames')
    .action((rules: string, capture: string, options: RuleOptions) =>
      withProver(rules, options, (prover, list) => replay(prover, list, capture)),
    )
  addSocketOption(command.command('show').description('print the rules of a running instance, as YAML')).action(show)
  addSocketOption(command.command('put').description("put other rules in the place of a running instance's, whole"))
    .argument('<file>', 'a YAML file with the list of rules; - reads stdin')
    .action(put)
  addSocketOption(
    command.command('reload').description('put the rules of the configuration in force, as SIGHUP does'),
  ).action(reload)
}

function addSocketOption(command: Command): Command {
  return command.option('-s, --socket <path>', "the instance's control socket (default: where control.path puts it)")
}

async function show(options: InstanceOptions): Promise<void> {
  const { showRules } = await import('../control/commands.js')
  const { socketOf } = await import('../control/socket-option.js')
  process.stdout.write(await showRules(await socketOf(options)))
}

async function put(file: string, options: InstanceOptions): Promise<void> {
  const { putRules } = await import('../control/commands.js')
  const { socketOf } = await import('../control/socket-option.js')
  process.stdout.write(await putRules(await socketOf(options), file))
}

async function reload(options: InstanceOptions): Promise<void> {
  const { reloadRules } = await import('../control/commands.js')
  const { socketOf } = await import('../control/socket-option.js')
  process.stdout.write(await reloadRules(await socketOf(options)))
}

function addAddressOption(command: Command): Command {
  return command.option('-a, --address <ip>', 'an address of the tap, for the rule `local`; repeatable', collect)
}

function collect(value: string, before: readonly string[] = []): string[] {
  if (isIP(value) === 0) throw new InvalidArgumentError('Expected an IPv4 or IPv6 address.')
  return [...before, value]
}

/** What is loaded here is not needed for `--help`. */
async function withProver(
  file: string,
  { address = [] }: RuleOptions,
  act: (prover: Prover, list: readonly NativeRule[]) => Promise<void>,
): Promise<void> {
  const { loadRules } = await import('../rules/load.js')
  const { startProver } = await import('../rules/prover.js')
  const list = loadRules(file, address)
  const prover = startProver()
  try {
    await act(prover, list)
  } finally {
    await prover.stop()
  }
}

async function check(prover: Prover, list: readonly NativeRule[]): Promise<void> {
  const { printProof } = await import('../rules/print.js')
  process.stdout.write(printProof(list, await prover.prove(list)))
}

/** A list that the prover refuses says nothing about packets: it is proved first. */
async function replay(prover: Prover, list: readonly NativeRule[], capture: string): Promise<void> {
  const { printPacket, printTotals } = await import('../rules/print.js')
  const taken = new Map<NativeRule | undefined, number>()
  await prover.prove(list)
  await prover.replay(list, capture, (packet: ReplayedPacket) => {
    taken.set(packet.rule, (taken.get(packet.rule) ?? 0) + 1)
    process.stdout.write(printPacket(packet))
  })
  process.stdout.write(printTotals(list, taken))
}
