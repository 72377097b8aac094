import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { createInterface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { SpillwayError } from '../errors.js'
import type { NativeRule } from '../ipc/messages.js'
import type { Proof, ReplayedPacket } from './proof.js'
import { describeRules, failureOf, parsePacket, parseProof, parseReplayEnd, RefusedRule } from './prover-lines.js'

const defaultProgram = new URL('../../build/Release/spillway-prover', import.meta.url)
/** Packets of the corpus: enough to reach both sides of every test of a list of 64 rules. */
const corpusPackets = 4000
/**
 * A list of ordinary rules takes milliseconds, 3 rules of 170 hosts each a second. What takes longer than this is refused:
 * the worker would compile as long again.
 */
const ANSWER_DEADLINE_MS = 20_000
/** Proofs that are remembered: an operator goes back and forth between lists, and a tap between addresses. */
const REMEMBERED_PROOFS = 64

/** Lines of an answer that somebody still reads. */
const mostRefusals = 20
const matchAll: NativeRule = { name: 'default', match: [], verdict: 'forward', class: 'other', limit: null }

type Child = ChildProcessByStdio<Writable, Readable, null>

interface Session {
  readonly child: Child
  readonly lines: AsyncIterator<string>
  /** How it ended, in words. */
  readonly ended: Promise<string>
}

/**
 * The client of `spillway-prover`, a process that compiles a rule list as the worker will and holds it against libpcap's
 * own interpreter. Should the code it makes be broken, that process dies and not the data plane. Questions are answered
 * one after the other; a prover that died or hung is replaced at the next one.
 */
export class Prover {
  readonly #program: string
  readonly #deadlineMs: number
  readonly #proofs = new Map<string, Proof>()
  #session: Session | undefined
  #queue: Promise<unknown> = Promise.resolve()
  #stopped = false

  constructor(program: string, { deadlineMs = ANSWER_DEADLINE_MS }: { readonly deadlineMs?: number } = {}) {
    this.#program = program
    this.#deadlineMs = deadlineMs
  }

  /**
   * Compiles and proves a list. What it consists of as text decides, so a list that was proved is not proved again.
   *
   * @throws SpillwayError `ERR_RULE` with a line for each rule that does not compile: its name and libpcap's text; or when
   * the proof fails.
   */
  prove(rules: readonly NativeRule[]): Promise<Proof> {
    const text = describeRules(rules)
    const key = createHash('sha256').update(text).digest('base64')
    return this.#inTurn(async () => {
      const proof = this.#proofs.get(key) ?? (await this.#proveAnew(rules))
      this.#remember(key, proof)
      return proof
    })
  }

  /**
   * Tells for each packet of a capture file which rule takes it.
   *
   * @returns how many packets the file has
   * @throws SpillwayError `ERR_RULE` for a bad list, `ERR_USAGE` for a file that is not a capture of Ethernet frames.
   */
  replay(rules: readonly NativeRule[], file: string, onPacket: (packet: ReplayedPacket) => void): Promise<number> {
    if (/[\n\0]/.test(file)) {
      throw new SpillwayError('ERR_USAGE', `expected a file name of one line, found ${JSON.stringify(file)}`)
    }
    const question = `replay ${rules.length} ${file}\n${describeRules(rules)}`
    return this.#inTurn(async () => {
      const session = this.#ask(question)
      for (;;) {
        const line = await this.#answer(session, rules)
        const packet = parsePacket(line, rules)
        if (packet === undefined) return parseReplayEnd(line, file)
        onPacket(packet)
      }
    })
  }

  /** Ends the process at once: it keeps nothing, and nobody waits for an answer any more. */
  async stop(): Promise<void> {
    this.#stopped = true
    const session = this.#session
    this.#session = undefined
    session?.child.kill('SIGKILL')
    await session?.ended
  }

  #inTurn<T>(act: () => Promise<T>): Promise<T> {
    const result = this.#queue.catch(() => {}).then(act)
    this.#queue = result
    return result
  }

  async #proveAnew(rules: readonly NativeRule[]): Promise<Proof> {
    const session = this.#ask(`prove ${rules.length} ${corpusPackets}\n${describeRules(rules)}`)
    try {
      return parseProof(await this.#answer(session, rules))
    } catch (error) {
      // It names the first rule that does not compile; the operator wants to mend them all at once.
      if (error instanceof RefusedRule) throw await this.#allRefusals(error, rules)
      throw error
    }
  }

  /** Each rule after the refused one by itself, as long as a whole list may take. */
  async #allRefusals(first: RefusedRule, rules: readonly NativeRule[]): Promise<SpillwayError> {
    const refusals = [first]
    const until = performance.now() + this.#deadlineMs
    for (const rule of rules.slice(first.index + 1)) {
      if (rule.match.length === 0 || performance.now() > until || refusals.length === mostRefusals) break
      const alone = [rule, matchAll]
      try {
        await this.#answer(this.#ask(`prove ${alone.length} 0\n${describeRules(alone)}`), alone)
      } catch (error) {
        if (!(error instanceof RefusedRule)) break
        refusals.push(error)
      }
    }
    return new SpillwayError('ERR_RULE', refusals.map(({ message }) => message).join('\n'), { hint: first.hint })
  }

  #remember(key: string, proof: Proof): void {
    this.#proofs.delete(key)
    this.#proofs.set(key, proof)
    const [oldest = ''] = this.#proofs.keys()
    if (this.#proofs.size > REMEMBERED_PROOFS) this.#proofs.delete(oldest)
  }

  #ask(question: string): Session {
    const session = this.#open()
    session.child.stdin.write(question)
    return session
  }

  #open(): Session {
    if (this.#stopped) throw silenceError('was stopped')
    if (this.#session !== undefined) return this.#session
    const child = spawn(this.#program, [], { stdio: ['pipe', 'pipe', 'inherit'] })
    // Writing to one that is gone: the missing answer tells.
    child.stdin.on('error', () => {})
    const ended = new Promise<string>((resolve) => {
      child.once('error', (error) => resolve(error.message))
      child.once('close', (code, signal) => resolve(signal ?? `exit code ${code}`))
    })
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
    this.#session = { child, lines, ended }
    return this.#session
  }

  /** The next line, or an error when it is a no, or when there is none in time. */
  async #answer(session: Session, rules: readonly NativeRule[]): Promise<string> {
    let late = false
    const timer = setTimeout(() => {
      late = true
      session.child.kill('SIGKILL')
    }, this.#deadlineMs)
    const line = await session.lines.next()
    clearTimeout(timer)
    if (line.done === true) {
      this.#session = undefined
      throw silenceError(late ? `had no answer after ${this.#deadlineMs / 1000} s` : `died: ${await session.ended}`)
    }
    const failure = failureOf(line.value, rules)
    if (failure !== undefined) throw failure
    return line.value
  }
}

function silenceError(what: string): SpillwayError {
  return new SpillwayError('ERR_RULE', `the prover ${what} when it tried the rule list`, {
    hint: 'split very long rules, or write many hosts as nets',
  })
}

/** @param program  where the prover is; tests have it elsewhere */
export function startProver(program: URL = defaultProgram): Prover {
  const path = fileURLToPath(program)
  if (existsSync(path)) return new Prover(path)
  throw new SpillwayError('ERR_INTERNAL', `need the prover ${path}, found nothing`, { hint: 'build it: npm run setup' })
}
