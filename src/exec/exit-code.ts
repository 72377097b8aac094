import { constants } from 'node:os'
import type { ProgramEnd } from './causes.js'

/**
 * What `exec` ends with when the program's end is the end of it all: the program's own code, as if it had been started
 * alone; 128 and the signal's number for one that a signal ended. The signal that `exec` was asked to pass on is a clean
 * stop: 0.
 *
 * @param asked  the signal that was passed on
 */
export function exitCodeOfProgram({ exitCode, signal }: ProgramEnd, asked: NodeJS.Signals | null): number {
  if (signal === null) return exitCode ?? 0
  return signal === asked ? 0 : 128 + constants.signals[signal]
}
