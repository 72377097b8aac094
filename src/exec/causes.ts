import { causeOfExit } from '../supervisor/causes.js'

/** Why a program had to be started again: the values of `spillway_program_restarts_total{cause}`, all of them. */
export const programCauses = {
  exited: 'ended by itself, not with 0',
  killed: 'a signal from outside',
  crashed: 'a signal of its own making, such as SIGSEGV',
} as const
export type ProgramCause = keyof typeof programCauses

export interface ProgramEnd {
  readonly exitCode: number | null
  readonly signal: NodeJS.Signals | null
}

export function causeOf({ signal }: ProgramEnd): ProgramCause {
  const cause = causeOfExit(signal, true)
  return cause === 'crashed' || cause === 'killed' ? cause : 'exited'
}

export function describeEnd({ exitCode, signal }: ProgramEnd): string {
  return signal === null ? `ended with exit code ${exitCode}` : `ended with signal ${signal}`
}
