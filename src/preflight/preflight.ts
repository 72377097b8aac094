import type { Config } from '../config/schema.js'
import type { Environment } from '../environment/types.js'
import type { SpillwayError } from '../errors.js'
import { draftPlan } from '../plan/plan.js'
import type { Plan } from '../plan/types.js'
import { chooseProbes } from './choose-probes.js'
import { findingsOfProbes, probeChecks } from './probe-checks.js'
import { type ProbeOptions, type Prober, runProbes } from './probe-runner.js'
import { runChecks } from './run-checks.js'
import type { CheckInput, Finding, FindingCode } from './types.js'

/** How long each stage took. */
export interface Took {
  readonly discoverMs?: number
  readonly planMs: number
  readonly checksMs: number
  /** 0 where there were none. */
  readonly probesMs: number
}

/** What will be done and whether it can work: what `doctor` prints and `run` and `exec` ask before they start. */
export interface Preflight {
  readonly plan: Plan
  /** What the plan could not do as asked; the plan goes on without. */
  readonly problems: readonly SpillwayError[]
  readonly findings: readonly Finding[]
  readonly took: Took
}

export interface PreflightOptions extends ProbeOptions {
  /** False for a host that is not this one. */
  readonly probes?: boolean
  /** An instance runs here, and what it holds is left alone. */
  readonly running?: boolean
  /** One that was started ahead; whoever started it closes it. */
  readonly prober?: Prober
}

/** Plans, checks what discovery read, and tries what the data plane will try. Throws for no finding. */
export async function preflight(
  config: Config,
  environment: Environment,
  options: PreflightOptions = {},
): Promise<Preflight> {
  const checked = checkPlan(config, environment)
  return options.probes === false ? checked : probePlan(checked, config, environment, options)
}

/** The part that touches nothing. */
export function checkPlan(config: Config, environment: Environment): Preflight {
  const startedMs = performance.now()
  const { plan, problems } = draftPlan(config, environment)
  const plannedMs = performance.now()
  const findings = runChecks({ config, environment, plan, problems })
  const took = { planMs: plannedMs - startedMs, checksMs: performance.now() - plannedMs, probesMs: 0 }
  return { plan, problems, findings, took }
}

/** The part that asks the kernel, in a child. */
export async function probePlan(
  checked: Preflight,
  config: Config,
  environment: Environment,
  { running = false, prober, ...options }: PreflightOptions = {},
): Promise<Preflight> {
  const { plan, problems, findings, took } = checked
  const startedMs = performance.now()
  const chosen = chooseProbes(plan, environment, running)
  const outcomes = await (prober ? prober.run(chosen) : runProbes(chosen, options))
  const probed = findingsOfProbes(outcomes, { config, environment, plan, problems } satisfies CheckInput)
  return {
    ...checked,
    findings: [...findings.filter((finding) => !isSettled(finding, probed)), ...withoutRepeats(probed, findings)],
    took: { ...took, probesMs: performance.now() - startedMs },
  }
}

/** What a check already calls an error, the kernel's refusal only confirms: one cause, one story. */
function withoutRepeats(probed: readonly Finding[], findings: readonly Finding[]): Finding[] {
  const errors = findings.filter(({ level }) => level === 'error')
  return probed.filter(
    ({ code, subject }) => !errors.some((error) => error.subject === subject && repeatedBy(code).includes(error.code)),
  )
}

function repeatedBy(code: FindingCode): readonly FindingCode[] {
  return probeChecks.find(({ codes }) => code in codes)?.codes[code]?.repeats ?? []
}

/** A doubt that a probe has settled, one way or the other. */
function isSettled({ code }: Finding, probed: readonly Finding[]): boolean {
  return code === 'mempolicy-in-doubt' && probed.some((finding) => finding.code.startsWith('probe-mempolicy-'))
}
