import { nearest } from '../config/nearest.js'
import { SpillwayError } from '../errors.js'
import type { Plan } from '../plan/types.js'

export type PlannedProgram = Plan['program']

/** What can stand in braces, and what for. */
export const placeholders = {
  eal: "EAL's arguments, several; an argument of its own",
  pci: 'the PCI addresses of the ports, with commas between them',
  lcores: 'the value of --lcores',
  tap: "the first port's tap; {tap0}, {tap1}, … by position",
} as const
type Placeholder = keyof typeof placeholders

/** A word of small letters, perhaps with a number; in doubled braces it stands for itself. Other braces are not ours. */
const pattern = /\{(\{[a-z]{1,16}\d{0,2}\})\}|\{([a-z]{1,16})(\d{0,2})\}/g

/**
 * Fills the placeholders of a command line in.
 *
 * @returns its arguments; `{eal}` becomes several.
 * @throws SpillwayError `ERR_USAGE` for a placeholder that there is not, `ERR_PLACEHOLDER` for one whose value the pod
 *   does not give.
 */
export function fillIn(args: readonly string[], program: PlannedProgram): string[] {
  return args.flatMap((arg) => {
    if (arg === '{eal}') return ealArgs(program)
    return [
      arg.replaceAll(
        pattern,
        (found: string, itself?: string, name = '', index = '') => itself ?? resolve(found, name, index, program),
      ),
    ]
  })
}

function ealArgs({ ealArgs, missing }: PlannedProgram): readonly string[] {
  if (missing.length === 0) return ealArgs
  throw new SpillwayError('ERR_PLACEHOLDER', missing.map((sentence) => `{eal}: ${sentence}`).join('\n'), {
    hint: '--force starts the program with the arguments that are known; "spillway plan" shows them',
  })
}

function resolve(found: string, name: string, index: string, program: PlannedProgram): string {
  if (name === 'tap') return tap(found, Number(index), program)
  if (!isPlaceholder(name) || index !== '') throw unknown(found, name)
  if (name === 'eal') throw notAlone()
  if (name === 'lcores') return program.lcores
  return pci(program)
}

function pci({ pci: addresses }: PlannedProgram): string {
  if (addresses.length > 0) return addresses.join(',')
  throw new SpillwayError('ERR_PLACEHOLDER', '{pci}: need the PCI address of a VF, found none among the ports', {
    hint: 'ask for a resource of the SR-IOV device plugin in the pod, or set ports[].device to an address',
  })
}

function tap(found: string, index: number, { taps }: PlannedProgram): string {
  const name = taps[index]
  if (name !== undefined) return name
  throw new SpillwayError('ERR_PLACEHOLDER', `${found}: need the tap of a port, found ${describe(taps)}`, {
    hint: 'set ports[].exception.tap, and see "spillway plan" for what was found',
  })
}

function describe(taps: readonly string[]): string {
  return taps.length === 0 ? 'no port with one' : `only ${taps.join(', ')}`
}

function isPlaceholder(name: string): name is Placeholder {
  return Object.hasOwn(placeholders, name)
}

function unknown(found: string, name: string): SpillwayError {
  const known = Object.keys(placeholders)
  const close = nearest(name, known)
  const guess = close === undefined ? '' : `; did you mean {${close}}?`
  return new SpillwayError('ERR_USAGE', `${found} is no placeholder: expected ${known.map(brace).join(', ')}${guess}`, {
    hint: `write {${found}} for ${found} itself`,
  })
}

function notAlone(): SpillwayError {
  return new SpillwayError('ERR_USAGE', '{eal} stands for several arguments: expected it as an argument of its own', {
    hint: 'write: spillway exec -- PROGRAM {eal} -- ARGUMENTS OF THE PROGRAM',
  })
}

function brace(name: string): string {
  return `{${name}}`
}
