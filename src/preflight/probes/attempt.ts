import { closeSync, constants, openSync } from 'node:fs'
import type { CallResult } from './ffi.js'
import type { Refusal } from './messages.js'

/** A call that the kernel refused, on its way to the answer. */
export class RefusedError extends Error {
  readonly refusal: Refusal
  constructor(call: string, error: string) {
    super(`${call}: ${error}`)
    this.refusal = { call, error }
  }
}

/** The value of a call, or a throw that `refusalOf` turns into an answer. */
export function need(call: string, result: CallResult): number {
  if (result.error === null) return result.value
  throw new RefusedError(call, result.error)
}

/** Opens a device node as DPDK does, hands it over and closes it whatever happens. */
export function withOpen<T>(path: string, use: (fd: number) => T): T {
  const fd = open(path)
  try {
    return use(fd)
  } finally {
    closeSync(fd)
  }
}

export function open(path: string): number {
  try {
    return openSync(path, constants.O_RDWR | constants.O_NONBLOCK)
  } catch (error) {
    throw new RefusedError('open', (error as NodeJS.ErrnoException).code ?? String(error))
  }
}

/** Runs the steps of a probe; the first refused call ends them and is the result. */
export function refusalOf(steps: () => void): Refusal | null {
  try {
    steps()
    return null
  } catch (error) {
    if (error instanceof RefusedError) return error.refusal
    throw error
  }
}

export function bitNames(names: Readonly<Record<string, number>>, has: (value: number) => boolean): string[] {
  return Object.entries(names)
    .filter(([, value]) => has(value))
    .map(([name]) => name)
}
