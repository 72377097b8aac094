import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createInterface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { SpillwayError } from '../errors.js'
import type { NativeRule } from '../ipc/messages.js'

/** What a proof looked at, and what the list became. */
export interface Proof {
  readonly rules: number
  readonly packets: number
  readonly comparisons: number
  readonly fastInsns: number
  readonly exactInsns: number
  readonly jit: boolean
  readonly jitBytes: number
  /** Packets of the corpus that each rule took. */
  readonly hits: readonly number[]
}

/** Where a packet of a capture file goes. */
export interface ReplayedPacket {
  readonly number: number
  readonly lengthBytes: number
  /** Undefined for a frame that ends within its headers: it is dropped as `truncated`. */
  readonly rule: NativeRule | undefined
}

const defaultProgram = new URL('../../build/Release/spillway-prover', import.meta.url)
/** Packets of the corpus: enough to reach both sides of every test of a list of 64 rules. */
const corpusPackets = 4000
/**
 * A list of ordinary rules takes milliseconds; libpcap's optimiser takes 10 s for 512 hosts. A list that takes longer
 * would keep the worker's control thread as long.
 */
const answerDeadlineMs = 20_000

type Child = ChildProcessByStdio<Writable, Readable, null>

interface Session {
  readonly child: Child
  readonly lines: AsyncIterator<string>
  readonly exited: Promise<string>
}

/**
 * The client of `spillway-prover`, a process that compiles a rule list as the worker will and holds it against libpcap's
 * own interpreter. Should the code it makes be broken, that process dies and not the data plane. Questions are answered
 * one after the other; a prover that died or hung is replaced at the next one.
 */
export class Prover {
  readonly #program: string
  #session: Session | undefined
  #queue: Promise<unknown> = Promise.resolve()

  constructor(program: string) {
    this.#program = program
  }

  /**
   * Compiles and proves a list.
   *
   * @throws SpillwayError `ERR_RULE` with the rule's name and libpcap's text, or when the proof fails.
   */
  prove(rules: readonly NativeRule[]): Promise<Proof> {
    return this.#next(async (session) => {
      const answer = await this.#ask(session, `prove ${rules.length} ${corpusPackets}\n${describeRules(rules)}`, rules)
      return parseProof(answer)
    })
  }

  /**
   * Tells for each packet of a capture file which rule takes it.
   *
   * @throws SpillwayError `ERR_RULE` for a bad list, `ERR_USAGE` for a file that is not a capture of Ethernet frames.
   */
  replay(rules: readonly NativeRule[], file: string, onPacket: (packet: ReplayedPacket) => void): Promise<number> {
    if (/[\n\0]/.test(file))
      throw new SpillwayError('ERR_USAGE', `expected a file name of one line, found ${JSON.stringify(file)}`)
    return this.#next(async (session) => {
      session.child.stdin.write(`replay ${rules.length} ${file}\n${describeRules(rules)}`)
      for (;;) {
        const line = await this.#line(session, rules)
        const packet = /^packet (\d+) (\d+) (\d+|truncated)$/.exec(line)
        if (packet === null) return parseReplayEnd(line, file)
        onPacket({ number: Number(packet[1]), lengthBytes: Number(packet[2]), rule: rules[Number(packet[3])] })
      }
    })
  }

  /** Ends the process; a question in hand is answered first. */
  async stop(): Promise<void> {
    await this.#queue.catch(() => {})
    await this.#drop()
  }

  #next<T>(work: (session: Session) => Promise<T>): Promise<T> {
    const result = this.#queue.catch(() => {}).then(async () => work(this.#open()))
    this.#queue = result
    return result
  }

  #open(): Session {
    if (this.#session !== undefined) return this.#session
    const child = spawn(this.#program, [], { stdio: ['pipe', 'pipe', 'inherit'] })
    // Writing to one that is gone: the missing answer tells.
    child.stdin.on('error', () => {})
    const exited = new Promise<string>((resolve) => {
      child.once('error', (error) => resolve(error.message))
      child.once('close', (code, signal) => resolve(signal ?? `exit code ${code}`))
    })
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
    this.#session = { child, lines, exited }
    return this.#session
  }

  async #drop(): Promise<void> {
    const session = this.#session
    this.#session = undefined
    if (session === undefined) return
    session.child.stdin.end()
    const impatience = setTimeout(() => session.child.kill('SIGKILL'), 1000)
    await session.exited
    clearTimeout(impatience)
  }

  async #ask(session: Session, question: string, rules: readonly NativeRule[]): Promise<string> {
    session.child.stdin.write(question)
    return this.#line(session, rules)
  }

  async #line({ child, lines, exited }: Session, rules: readonly NativeRule[]): Promise<string> {
    const timer = setTimeout(() => child.kill('SIGKILL'), answerDeadlineMs)
    try {
      const line = await lines.next()
      if (line.done !== true) return refuse(line.value, rules)
      this.#session = undefined
      throw new SpillwayError('ERR_RULE', `the prover ended while it tried the rule list: ${await exited}`, {
        hint: `a list that takes longer than ${answerDeadlineMs / 1000} s is too large; write many hosts as nets`,
      })
    } finally {
      clearTimeout(timer)
    }
  }
}

/** @param program  where the prover is; tests and bundles have it elsewhere */
export function startProver(program: URL = defaultProgram): Prover {
  const path = fileURLToPath(program)
  if (existsSync(path)) return new Prover(path)
  throw new SpillwayError('ERR_INTERNAL', `need the prover ${path}, found nothing`, { hint: 'build it: npm run setup' })
}

function describeRules(rules: readonly NativeRule[]): string {
  return rules
    .map(
      ({ name, match }) => `rule ${match.length} ${name}\n${match.map((text) => `${oneLine(text, name)}\n`).join('')}`,
    )
    .join('')
}

function oneLine(text: string, rule: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  if (text !== '' && !/[\u0000-\u001f\u007f]/.test(text)) return text
  throw new SpillwayError(
    'ERR_RULE',
    `rule "${rule}": expected an expression of one line, found ${JSON.stringify(text)}`,
  )
}

/** Throws when the answer is a no. */
function refuse(line: string, rules: readonly NativeRule[]): string {
  const refused = /^refused (-?\d+) \w+: (.*)$/.exec(line)
  if (refused !== null) {
    const rule = rules[Number(refused[1])]
    const whose = rule === undefined ? 'the rule list' : `rule "${rule.name}"`
    const found = rule === undefined ? '' : `, found ${JSON.stringify(rule.match.join(' | '))}`
    throw new SpillwayError('ERR_RULE', `${whose}: ${refused[2]}${found}`, {
      hint: 'rules are pcap-filter(7) expressions; "tcpdump -d EXPRESSION" tries one',
    })
  }
  if (/^mismatch /.test(line))
    throw new SpillwayError('ERR_RULE', `the compiled list and libpcap disagree: ${line.slice('mismatch '.length)}`, {
      hint: 'this is a bug of ours: report the rule list',
    })
  return line
}

function parseProof(line: string): Proof {
  const fields = new Map([...line.matchAll(/(\w+)=(\S+)/g)].map(([, key = '', value = '']) => [key, value]))
  const number = (key: string): number => {
    const value = Number(fields.get(key))
    if (line.startsWith('ok ') && Number.isInteger(value)) return value
    throw new SpillwayError('ERR_INTERNAL', `the prover answered ${JSON.stringify(line)}`)
  }
  return {
    rules: number('rules'),
    packets: number('packets'),
    comparisons: number('comparisons'),
    fastInsns: number('fastInsns'),
    exactInsns: number('exactInsns'),
    jit: number('jit') === 1,
    jitBytes: number('jitBytes'),
    hits: (fields.get('hits') ?? '').split(',').map(Number),
  }
}

function parseReplayEnd(line: string, file: string): number {
  const done = /^done (\d+)$/.exec(line)
  if (done !== null) return Number(done[1])
  throw new SpillwayError('ERR_USAGE', `${file}: ${line.replace(/^failed /, '')}`)
}
