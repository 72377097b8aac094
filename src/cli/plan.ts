import { type Command, Option } from 'commander'
import { assertNever, type SpillwayError } from '../errors.js'
import { addConfigOptions, type ConfigOptions, configFromOptions } from './config.js'

const formats = ['text', 'json', 'eal', 'env'] as const

interface PlanOptions extends ConfigOptions {
  readonly format: (typeof formats)[number]
  readonly root: string
}

export function addPlanCommand(program: Command): void {
  const command = program.command('plan').description('print what `run` would do, and why')
  addConfigOptions(command)
    .addOption(
      new Option('-f, --format <format>', 'how to print it; eal and env are for another DPDK program')
        .choices(formats)
        .default('text'),
    )
    .option('--root <dir>', "a folder with another host's proc, sys, dev and etc", '/')
    .action(async (options: PlanOptions) => {
      const { text, problem } = await printPlanAs(options)
      process.stdout.write(text)
      if (problem !== undefined) throw problem
    })
}

interface PrintedPlan {
  readonly text: string
  /** The first thing that the host cannot do: `run` would end with it. */
  readonly problem: SpillwayError | undefined
}

async function printPlanAs(options: PlanOptions): Promise<PrintedPlan> {
  const { discoverEnvironment } = await import('../environment/discover.js')
  const { readEnvironmentVariables } = await import('../environment/variables.js')
  const { draftPlan } = await import('../plan/plan.js')
  const print = await import('../plan/print.js')
  const { config } = await configFromOptions(options, readEnvironmentVariables(options.root), options.root)
  const environment = discoverEnvironment(options.root, { podInfoFolder: config.podInfo.folder })
  const {
    plan,
    problems: [problem],
  } = draftPlan(config, environment)
  switch (options.format) {
    case 'text':
      return { text: print.printPlan(plan), problem }
    case 'json':
      return { text: print.printPlanJson(plan), problem }
    case 'eal':
    case 'env':
      // A script that reads them must not start a program with half of them.
      if (problem !== undefined) throw problem
      tellMissing(plan.program.missing)
      return {
        text:
          options.format === 'eal'
            ? print.printEalArgs(plan)
            : print.printPlanEnv(plan, environment.runtimeDirectory.path),
        problem,
      }
    default:
      return assertNever(options.format)
  }
}

function tellMissing(missing: readonly string[]): void {
  for (const sentence of missing) process.stderr.write(`spillway: missing: ${sentence}\n`)
}
