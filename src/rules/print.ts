import type { NativeRule } from '../ipc/messages.js'
import type { Proof, ReplayedPacket } from './proof.js'

/** A proof for people: the list as the lcores get it, and what it became. */
export function printProof(list: readonly NativeRule[], proof: Proof): string {
  const head = ['rule', 'to', 'proof packets', 'matches any of']
  const rows = list.flatMap(({ name, verdict, match }, index) => {
    const [first = '(everything else)', ...others] = match
    return [[name, verdict, `${proof.hits[index] ?? 0}`, first], ...others.map((text) => ['', '', '', text])]
  })
  const fast = proof.fastInsns === 0 ? 'no fast program' : `${proof.fastInsns} instructions for ordinary frames`
  const code = proof.jit ? `${proof.jitBytes} bytes of machine code` : 'interpreted, since there is no JIT here'
  return [
    ...formatTable([head, ...rows]),
    '',
    `${describeSource(list, proof)} ${fast}`,
    `and ${proof.exactInsns} for all others; ${code}.`,
    `In front of them ${describeTables(list, proof)}.`,
    `${proof.packets} packets, ${proof.comparisons} comparisons with libpcap: no difference.`,
    '',
  ].join('\n')
}

/** The fast form in force, and where and why it is not. */
export function describeTables(list: readonly NativeRule[], { tables }: Proof): string {
  const { shapes, of, partial, fields, alternatives, bytes, obstacle } = tables
  const size = `up to ${count(fields, 'field')} and ${count(alternatives, 'alternative')}, ${Math.ceil(bytes / 1024)} KiB`
  const found = shapes === 0 ? 'no tables' : `tables for ${shapes} of ${of} shapes of frames (${size})`
  if (obstacle === null) return found
  const rule = obstacle.rule === null ? undefined : list[obstacle.rule]
  const whose = rule === undefined ? '' : `, rule "${rule.name}"`
  const some = partial === 0 ? '' : `, of which ${partial} leave packets to the programs`
  return `${found}${some}: ${obstacle.shape}${whose}: ${obstacle.reason}`
}

/** Counted in the list: the prover's own count has the last rule, which matches without an expression, as one more. */
function describeSource(list: readonly NativeRule[], { sourceInsns }: Proof): string {
  const expressions = list.flatMap(({ match }) => match).length
  if (expressions === 0) return 'No expression to compile; the list became'
  return `${count(expressions, 'expression')} of ${count(sourceInsns, 'instruction')}, fused into`
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`
}

export function printPacket({ number, lengthBytes, rule }: ReplayedPacket): string {
  const where = rule === undefined ? 'drop (truncated)' : `${rule.verdict} (${rule.name})`
  return `${number.toString().padStart(7)} ${lengthBytes.toString().padStart(6)} bytes  ${where}\n`
}

/** Packets of a capture by rule, in the order of the list. */
export function printTotals(list: readonly NativeRule[], taken: ReadonlyMap<NativeRule | undefined, number>): string {
  const rows = list.map((rule) => [rule.name, rule.verdict, `${taken.get(rule) ?? 0}`])
  const truncated = taken.get(undefined) ?? 0
  if (truncated > 0) rows.push(['(truncated)', 'drop', `${truncated}`])
  return ['', ...formatTable([['rule', 'to', 'packets'], ...rows]), ''].join('\n')
}

/** Columns as wide as they must be; the last is not padded. */
function formatTable(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)))
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  )
}
