import type { CodeDeclarations, Finding, FindingCode } from '../preflight/types.js'
import type { PortState } from './port-state.js'

/** A check of what a worker tells of one of its ports, asked again whenever that changes; pure. */
export interface RunningCheck {
  readonly name: string
  readonly codes: CodeDeclarations
  /** Codes of the checks before the start whose question a worker that runs answers better. */
  readonly settles?: readonly FindingCode[]
  run(state: PortState): readonly Finding[]
}
