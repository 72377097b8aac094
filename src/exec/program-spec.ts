import { createLogger } from '../log.js'
import type { Plan } from '../plan/types.js'
import { withOwnPrefix } from './file-prefix.js'
import { fillIn } from './placeholders.js'
import type { ProgramSpec } from './program-process.js'

const log = createLogger({ component: 'exec' })

export interface ProgramOrder {
  readonly command: string
  readonly args: readonly string[]
  readonly plan: Plan
  /** Where it shall keep its runtime files. */
  readonly folder: string
  readonly force: boolean
}

/** The program as it will be started. @throws SpillwayError what a placeholder lacks */
export function programSpec({ command, args, plan: { program }, folder, force }: ProgramOrder): ProgramSpec {
  const { missing } = program
  if (force) for (const sentence of missing) log.warn({ missing: sentence }, 'goes on without')
  const filled = fillIn(args, {
    ...program,
    missing: force ? [] : missing,
    ealArgs: withOwnPrefix(program.ealArgs, folder, process.pid),
  })
  return { command, args: filled, env: { ...process.env, RUNTIME_DIRECTORY: folder } }
}
