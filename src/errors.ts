/** Whose turn it is when this error is seen. */
export type Turn = 'operator' | 'host' | 'us'

interface ErrorKind {
  readonly meaning: string
  readonly turn: Turn
  readonly exitCode: number
}

/**
 * Every error Spillway gives a name to. The exit codes are those of sysexits.h:
 * 64 usage, 69 the host cannot, 70 our bug, 75 temporary (start me again), 78 configuration.
 */
export const errorTable = {
  ERR_USAGE: { meaning: 'the command line is wrong', turn: 'operator', exitCode: 64 },
  ERR_CONFIG: {
    meaning: 'a setting is unknown, malformed, out of range or contradicts another',
    turn: 'operator',
    exitCode: 78,
  },
  ERR_RULE: { meaning: 'a rule does not compile', turn: 'operator', exitCode: 78 },

  ERR_CPUS: { meaning: 'a CPU was asked for that this process may not use', turn: 'operator', exitCode: 69 },
  ERR_HUGEPAGES: { meaning: 'not enough free hugepages of the size asked for', turn: 'host', exitCode: 69 },
  ERR_MEMORY: { meaning: 'the memory of the data plane could not be reserved', turn: 'host', exitCode: 69 },
  ERR_DEVICE: { meaning: 'a device of a port is missing or cannot be used', turn: 'host', exitCode: 69 },
  ERR_VHOST_NET: { meaning: '/dev/vhost-net is missing or cannot be opened', turn: 'host', exitCode: 69 },
  ERR_TUN: { meaning: '/dev/net/tun is missing or cannot be opened', turn: 'host', exitCode: 69 },
  ERR_TAP_MISSING: { meaning: 'the tap does not exist in this network namespace', turn: 'host', exitCode: 69 },
  ERR_TAP_OWNER: { meaning: 'the tap belongs to another user', turn: 'host', exitCode: 69 },
  ERR_TAP_QUEUES: { meaning: 'the tap has fewer queues than asked for', turn: 'host', exitCode: 69 },
  ERR_TAP_NOT_A_TAP: { meaning: 'the netdev named as tap is not a tap', turn: 'host', exitCode: 69 },
  ERR_RUN_FOLDER: { meaning: 'there is no folder that the files of a run can be in', turn: 'host', exitCode: 69 },
  ERR_HTTP_IN_USE: { meaning: 'the HTTP address is taken', turn: 'host', exitCode: 69 },
  ERR_CONTROL: { meaning: 'the control socket cannot be opened', turn: 'host', exitCode: 69 },
  ERR_UNREACHABLE: { meaning: 'no running Spillway answers at the address asked', turn: 'operator', exitCode: 69 },
  ERR_NAMESPACES: { meaning: 'user or network namespaces cannot be made', turn: 'host', exitCode: 69 },
  ERR_PREFLIGHT: { meaning: 'a check before the start found what cannot work', turn: 'host', exitCode: 69 },
  ERR_EAL: { meaning: 'EAL did not start', turn: 'host', exitCode: 69 },
  ERR_MISSING_TOOL: { meaning: 'a program that is needed is not installed', turn: 'host', exitCode: 69 },

  ERR_PLACEHOLDER: {
    meaning: 'what a placeholder of `exec` stands for is not known in this pod',
    turn: 'host',
    exitCode: 69,
  },

  ERR_BUSY: { meaning: 'another change is under way', turn: 'operator', exitCode: 75 },
  ERR_TAP_BUSY: { meaning: 'another process still holds the tap', turn: 'host', exitCode: 75 },
  ERR_WORKER_GAVE_UP: { meaning: 'the worker died too many times in a row', turn: 'us', exitCode: 75 },

  ERR_PROGRAM_GAVE_UP: {
    meaning: 'the program of `exec` failed too many times in a row',
    turn: 'operator',
    exitCode: 75,
  },

  ERR_PROGRAM: { meaning: 'the program of `exec` cannot be ended', turn: 'host', exitCode: 70 },
  ERR_WORKER: { meaning: 'the worker died or answered out of turn', turn: 'us', exitCode: 70 },
  ERR_INTERNAL: { meaning: 'something happened that must not', turn: 'us', exitCode: 70 },
} as const satisfies Record<string, ErrorKind>

export type ErrorCode = keyof typeof errorTable

export interface ErrorDetails {
  /** What to do about it, one sentence. */
  readonly hint?: string | undefined
  readonly cause?: unknown
}

/**
 * The one error class. The message says what was needed, what was found and where, one problem a line;
 * the hint says what to do; the code decides the exit code.
 */
export class SpillwayError extends Error {
  override readonly name = 'SpillwayError'
  readonly code: ErrorCode
  readonly hint: string | undefined
  readonly exitCode: number

  constructor(code: ErrorCode, message: string, { hint, cause }: ErrorDetails = {}) {
    super(message, cause === undefined ? undefined : { cause })
    this.code = code
    this.hint = hint
    this.exitCode = errorTable[code].exitCode
  }
}

/** For codes that crossed a process boundary as plain text. */
export function isErrorCode(code: string): code is ErrorCode {
  return Object.hasOwn(errorTable, code)
}

/**
 * What the operator sees on stderr: a line per problem, then the hint.
 * An error without a code of ours is a bug of ours and keeps its stack.
 */
export function formatError(error: unknown): string {
  if (!(error instanceof SpillwayError)) {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error)
    return `spillway: ERR_INTERNAL: ${text}\n`
  }
  const problems = error.message.split('\n').map((line) => `spillway: ${error.code}: ${line}\n`)
  const hint = error.hint === undefined ? '' : `  hint: ${error.hint}\n`
  return problems.join('') + hint
}

export function exitCodeOf(error: unknown): number {
  return error instanceof SpillwayError ? error.exitCode : errorTable.ERR_INTERNAL.exitCode
}

/** Ends a `switch` over a union: a member without a case does not compile. */
export function assertNever(value: never): never {
  throw new SpillwayError('ERR_INTERNAL', `unexpected value ${JSON.stringify(value)}`)
}
