import { SpillwayError } from '../errors.js'
import type { NativeRule } from '../ipc/messages.js'
import type { Obstacle, Proof, ReplayedPacket } from './proof.js'

/*
 * The lines between us and `spillway-prover` (native/prover/request.h, answer.h, replay.h).
 */

/** Says the rules: a header with the number of expressions and the name, then the expressions, one a line. */
export function describeRules(rules: readonly NativeRule[]): string {
  return rules.map((rule) => [header(rule), ...rule.match.map((text) => oneLine(text, rule.name))].join('')).join('')
}

function header({ name, match }: NativeRule): string {
  return `rule ${match.length} ${name}\n`
}

function oneLine(text: string, rule: string): string {
  if (text !== '' && !/\p{Cc}/u.test(text)) return `${text}\n`
  throw new SpillwayError(
    'ERR_RULE',
    `rule "${rule}": expected an expression without control characters, found ${JSON.stringify(text)}`,
  )
}

/** A rule that does not compile. */
export class RefusedRule extends SpillwayError {
  /** Its place in the list that was asked about. */
  readonly index: number

  constructor(index: number, message: string, hint: string) {
    super('ERR_RULE', message, { hint })
    this.index = index
  }
}

/** The error that an answer stands for, if it is a no. */
export function failureOf(line: string, rules: readonly NativeRule[]): SpillwayError | undefined {
  const refused = /^refused (-?\d+) \w+: (.*)$/.exec(line)
  if (refused !== null) return refusal(rules, Number(refused[1]), refused[2] ?? '')
  if (!line.startsWith('mismatch ')) return undefined
  const difference = line.slice('mismatch '.length)
  return new SpillwayError('ERR_RULE', `the compiled list and libpcap disagree: ${difference}`, {
    hint: 'this is a bug of ours: report the rule list',
  })
}

function refusal(rules: readonly NativeRule[], index: number, text: string): SpillwayError {
  const rule = rules[index]
  const hint = 'rules are pcap-filter(7) expressions; "tcpdump -d EXPRESSION" tries one'
  if (rule === undefined) return new SpillwayError('ERR_RULE', `the rule list: ${text}`, { hint })
  const found = rule.match.map((expression) => JSON.stringify(expression)).join(' or ')
  return new RefusedRule(index, `rule "${rule.name}": ${text}, found ${found}`, hint)
}

export function parseProof(line: string): Proof {
  const fields = new Map([...line.matchAll(/(\w+)=(\S+)/g)].map(([, key = '', value = '']) => [key, value]))
  const number = (key: string): number => {
    const value = Number(fields.get(key))
    if (line.startsWith('ok ') && Number.isInteger(value)) return value
    throw confusion(line)
  }
  return {
    rules: number('rules'),
    programs: number('programs'),
    sourceInsns: number('sourceInsns'),
    fastInsns: number('fastInsns'),
    exactInsns: number('exactInsns'),
    jit: number('jit') === 1,
    jitBytes: number('jitBytes'),
    tables: {
      shapes: number('tableShapes'),
      of: number('shapes'),
      partial: number('partialShapes'),
      fields: number('tableFields'),
      alternatives: number('tableAlternatives'),
      bytes: number('tableBytes'),
      obstacle: parseObstacle(line),
    },
    packets: number('packets'),
    comparisons: number('comparisons'),
    byTables: number('byTables'),
    hits: (fields.get('hits') ?? '').split(',').map(Number),
  }
}

function parseObstacle(line: string): Obstacle | null {
  const found = / obstacle=(-?\d+) ([^:]+): (.+)$/.exec(line)
  if (found === null) return null
  const [, rule, shape = '', reason = ''] = found
  return { rule: rule === '-1' ? null : Number(rule), shape, reason }
}

/** @returns undefined when the line is not about a packet. */
export function parsePacket(line: string, rules: readonly NativeRule[]): ReplayedPacket | undefined {
  const packet = /^packet (\d+) (\d+) (\d+|truncated)$/.exec(line)
  if (packet === null) return undefined
  return { number: Number(packet[1]), lengthBytes: Number(packet[2]), rule: rules[Number(packet[3])] }
}

export function parseReplayEnd(line: string, file: string): number {
  const done = /^done (\d+)$/.exec(line)
  if (done !== null) return Number(done[1])
  const failed = /^failed (.*)$/.exec(line)
  if (failed === null) throw confusion(line)
  const text = failed[1]?.startsWith(`${file}: `) === true ? failed[1] : `${file}: ${failed[1]}`
  throw new SpillwayError('ERR_USAGE', text, { hint: 'captures are made by e.g. "tcpdump -i eth0 -w FILE"' })
}

function confusion(line: string): SpillwayError {
  return new SpillwayError('ERR_INTERNAL', `the prover answered ${JSON.stringify(line)}`)
}
