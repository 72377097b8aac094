import { join } from 'node:path'
import { type Command, Option } from 'commander'
import { defaultConfigFile } from '../config/load.js'
import { addConfigOptions, type ConfigOptions, configFromOptions } from './config.js'

const formats = ['text', 'json', 'eal', 'env'] as const

interface PlanOptions extends ConfigOptions {
  readonly format: (typeof formats)[number]
  readonly root: string
}

export function addPlanCommand(program: Command): void {
  const command = program.command('plan').description('print what `run` would do on this machine, and why')
  addConfigOptions(command)
    .addOption(new Option('-f, --format <format>', 'how to print it').choices(formats).default('text'))
    .option('--root <dir>', "a folder with another host's proc, sys, dev and etc", '/')
    .action(async (options: PlanOptions) => {
      process.stdout.write(await printPlanAs(options))
    })
}

async function printPlanAs(options: PlanOptions): Promise<string> {
  const { discoverEnvironment } = await import('../environment/discover.js')
  const { readEnvironmentVariables } = await import('../environment/variables.js')
  const { makePlan } = await import('../plan/plan.js')
  const print = await import('../plan/print.js')
  const { config } = await configFromOptions(
    options,
    readEnvironmentVariables(options.root),
    join(options.root, defaultConfigFile),
  )
  const environment = discoverEnvironment(options.root)
  const plan = makePlan(config, environment)
  switch (options.format) {
    case 'text':
      return print.printPlan(plan)
    case 'json':
      return print.printPlanJson(plan)
    case 'eal':
      return `${print.quoteArgs(plan.ealArgs)}\n`
    case 'env':
      return print.printPlanEnv(plan, environment.runtimeDirectory.path)
  }
}
