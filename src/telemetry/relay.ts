import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import type { Readable, Writable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { SpillwayError } from '../errors.js'
import { AnswerReader, type RelayAnswer } from './relay-answers.js'

const defaultProgram = new URL('../../build/Release/spillway-telemetry', import.meta.url)
/** The relay gives up on its peer after 1 s. Later than this it hangs itself. */
const ANSWER_DEADLINE_MS = 3_000
/** In an answer: nothing was asked, because of `silence`. */
export const SILENCED = 'ECANCELED'
/** In an answer: the relay itself is gone. */
export const RELAY_GONE = 'EPIPE'
/** DPDK takes no longer command. */
const LONGEST_COMMAND = 1_000

type Child = ChildProcessByStdio<Writable, Readable, null>

interface Session {
  readonly child: Child
  readonly answers: AnswerReader
  readonly ended: Promise<unknown>
}

/**
 * The client of `spillway-telemetry`, the process that speaks SOCK_SEQPACKET for us. One question at a time, asked by
 * one caller; a relay that died or hung is replaced at the next `connect`.
 */
export class Relay {
  readonly #program: string
  readonly #deadlineMs: number
  #session: Session | undefined
  #silentUntilMs = 0
  #question: Promise<unknown> = Promise.resolve()

  constructor(program: string, { deadlineMs = ANSWER_DEADLINE_MS }: { readonly deadlineMs?: number } = {}) {
    this.#program = program
    this.#deadlineMs = deadlineMs
  }

  /** Of the process, while there is one. */
  get pid(): number | undefined {
    return this.#session?.child.pid
  }

  /**
   * Nothing is asked for that long, whoever asks; a longer silence that was agreed before stands.
   *
   * @returns when no question is open: one at most is waited for.
   */
  async silence(forMs: number): Promise<void> {
    this.#silentUntilMs = Math.max(this.#silentUntilMs, performance.now() + forMs)
    await this.#question
  }

  get silent(): boolean {
    return performance.now() < this.#silentUntilMs
  }

  /** Connects to a socket, leaving the one before. The answer is what the peer says first. */
  connect(path: string): Promise<RelayAnswer> {
    if (/[\n\0]/.test(path)) throw new SpillwayError('ERR_INTERNAL', `a socket's path has a line end: ${path}`)
    if (this.silent) return Promise.resolve(silenced)
    this.#session ??= this.#open()
    return this.#exchange(this.#session, `connect ${path}\n`)
  }

  /** Asks the peer. A command that could not be one is not asked: the name in it came from the peer. */
  ask(command: string): Promise<RelayAnswer> {
    if (/[^\x20-\x7e]/.test(command) || command.length > LONGEST_COMMAND) {
      return Promise.resolve({ kind: 'failed', reason: 'EINVAL', message: 'not a command of DPDK' })
    }
    if (this.silent) return Promise.resolve(silenced)
    if (this.#session === undefined) {
      return Promise.resolve({ kind: 'failed', reason: 'ENOTCONN', message: 'the relay is not running' })
    }
    return this.#exchange(this.#session, `ask ${command}\n`)
  }

  async stop(): Promise<void> {
    const session = this.#session
    this.#session = undefined
    session?.child.kill('SIGKILL')
    await session?.ended
  }

  #open(): Session {
    // A session of its own: Ctrl-C in the terminal is for the program.
    const child = spawn(this.#program, [], { stdio: ['pipe', 'pipe', 'inherit'], detached: true })
    // First of all: a process that could not be started has no pipes, and says so later.
    const ended = new Promise<void>((resolve) => {
      child.once('error', () => resolve())
      child.once('close', () => resolve())
    })
    child.stdin.on('error', () => {})
    return { child, answers: new AnswerReader(child.stdout), ended }
  }

  #exchange(session: Session, line: string): Promise<RelayAnswer> {
    const answer = this.#write(session, line)
    this.#question = answer
    return answer
  }

  async #write(session: Session, line: string): Promise<RelayAnswer> {
    const timer = setTimeout(() => session.child.kill('SIGKILL'), this.#deadlineMs)
    session.child.stdin.write(line)
    const answer = await Promise.race([session.answers.next(), session.ended.then(() => null)])
    clearTimeout(timer)
    if (answer !== null) return answer
    session.child.kill('SIGKILL')
    if (this.#session === session) this.#session = undefined
    return { kind: 'failed', reason: RELAY_GONE, message: 'the relay died, or said what it must not' }
  }
}

const silenced: RelayAnswer = { kind: 'failed', reason: SILENCED, message: 'nothing is asked now' }

/** @param program  where the relay is; tests have it elsewhere */
export function makeRelay(program: URL = defaultProgram): Relay {
  const path = fileURLToPath(program)
  if (existsSync(path)) return new Relay(path)
  throw new SpillwayError('ERR_INTERNAL', `need the telemetry relay ${path}, found nothing`, {
    hint: 'build it: npm run setup',
  })
}
