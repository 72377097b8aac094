import type { Config } from '../config/schema.js'
import type { Environment } from '../environment/types.js'
import type { ErrorCode, SpillwayError } from '../errors.js'
import type { Plan } from '../plan/types.js'

/** From worst to best: `run` refuses on an error; a warning works, but not as one may think; a note is worth knowing. */
export const levels = ['error', 'warning', 'note', 'ok'] as const
export type Level = (typeof levels)[number]

/** Kebab-case, an API: declared by the check that finds it, listed in docs/doctor.md. */
export type FindingCode = string

/** What a check found, in words that hold the names and numbers of this pod. */
export interface Finding {
  readonly code: FindingCode
  readonly level: Level
  /** What it is about: a device, a netdev, a port, a limit. */
  readonly subject: string
  readonly needed: string
  readonly found: string
  /** The likely cause; null when nothing is wrong. */
  readonly cause: string | null
  /** The line of a pod spec, policy, node setting or Spillway setting that mends it; null when there is nothing to do. */
  readonly remedy: string | null
}

export interface CheckInput {
  readonly config: Config
  readonly environment: Environment
  readonly plan: Plan
  /** What `draftPlan` could not do as asked. */
  readonly problems: readonly SpillwayError[]
}

/** A code before it is found. */
export interface CodeDeclaration {
  /** The levels it can have, the usual one first. */
  readonly levels: readonly [Level, ...Level[]]
  readonly meaning: string
  /** Where the remedy is: `pod spec`, `SriovNetworkNodePolicy`, … */
  readonly remedyIn: string
  /** For a probe's code: the codes of checks whose error, about the same subject, has told this already. */
  readonly repeats?: readonly FindingCode[]
}
export type CodeDeclarations = Readonly<Record<FindingCode, CodeDeclaration>>

/** A check of what discovery read; pure. */
export interface Check {
  /** Kebab-case, as the file. */
  readonly name: string
  /** What it answers, in a few words. */
  readonly title: string
  readonly codes: CodeDeclarations
  /** Errors of `draftPlan` that its own errors tell better. */
  readonly covers?: readonly ErrorCode[]
  run(input: CheckInput): readonly Finding[]
}
