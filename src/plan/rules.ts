import type { Config } from '../config/schema.js'
import { DecisionLog } from './decisions.js'
import type { Plan, PlannedPort, RuleSet } from './types.js'

const subjects = { list: 'rules', toKernel: 'rules to the kernel' } as const

/** The rules and the end of the list, with a word about rules that cannot do what they say. */
export function planRules(
  { rules, exceptionPath }: Pick<Config, 'rules' | 'exceptionPath'>,
  ports: readonly PlannedPort[],
  log: DecisionLog,
): RuleSet {
  const kernelPath = ports.some(({ exception }) => exception.backend !== 'none')
  const builtins = wordsForBuiltins(exceptionPath.builtins, kernelPath)
  const reason = `${builtins}, then ${exceptionPath.default}; the first that matches decides`
  log.note(subjects.list, rules.length === 0 ? 'none of yours' : `${rules.length} of yours`, reason)
  const toKernel = rules.filter(({ to }) => to === 'kernel').map(({ name }) => name)
  if (exceptionPath.default === 'kernel') toKernel.push('default')
  if (toKernel.length > 0 && !kernelPath) {
    log.warn(subjects.toKernel, toKernel.join(', '), 'no port has an exception path, so what they match is dropped')
  }
  const unlimited = rules.filter((rule) => rule.to === 'kernel' && rule.class === 'control' && rule.limit === null)
  if (unlimited.length > 0 && kernelPath) {
    const names = unlimited.map(({ name }) => name).join(', ')
    log.note('control rules', names, 'without a limit: a flood of what they match leaves nothing to local and other')
  }
  return {
    rules: rules.map(({ name, match, to, class: klass, limit }) => ({ name, match, to, class: klass, limit })),
    exceptionPath,
  }
}

/**
 * The plan of an instance that runs, with other rules. The total limit stays as it is: the exception threads have it
 * since their start.
 */
export function withRules(plan: Plan, { rules, exceptionPath }: Pick<Config, 'rules' | 'exceptionPath'>): Plan {
  const log = new DecisionLog()
  const kept = { ...exceptionPath, limit: plan.exceptionPath.limit }
  const set = planRules({ rules, exceptionPath: kept }, plan.ports, log)
  const others = plan.decisions.filter(({ subject }) => !Object.values<string>(subjects).includes(subject))
  return { ...plan, ...set, decisions: [...others, ...log.decisions] }
}

/** As `composeRules` does it: without a way to the kernel there is nothing that the built-ins could do. */
function wordsForBuiltins(wanted: boolean, kernelPath: boolean): string {
  if (!wanted) return 'no built-ins'
  return kernelPath ? 'then the built-ins and local' : 'no built-ins, since no port has an exception path'
}
