import type { CodeDeclarations, Finding } from '../preflight/types.js'
import type { PortState } from './port-state.js'

/** A check of what a worker tells of one of its ports, asked again whenever that changes; pure. */
export interface RunningCheck {
  readonly name: string
  readonly codes: CodeDeclarations
  run(state: PortState): readonly Finding[]
}
