import type { Config } from '../config/schema.js'
import type { DecisionLog } from './decisions.js'
import type { Plan, PlannedPort } from './types.js'

/** The rules and the end of the list, with a word about rules that cannot do what they say. */
export function planRules(
  { rules, exceptionPath }: Config,
  ports: readonly PlannedPort[],
  log: DecisionLog,
): Pick<Plan, 'rules' | 'exceptionPath'> {
  const kernelPath = ports.some(({ exception }) => exception.backend !== 'none')
  const builtins = wordsForBuiltins(exceptionPath.builtins, kernelPath)
  const reason = `${builtins}, then ${exceptionPath.default}; the first that matches decides`
  log.note('rules', rules.length === 0 ? 'none of yours' : `${rules.length} of yours`, reason)
  const toKernel = rules.filter(({ to }) => to === 'kernel').map(({ name }) => name)
  if (exceptionPath.default === 'kernel') toKernel.push('default')
  if (toKernel.length > 0 && !kernelPath) {
    log.warn('rules to the kernel', toKernel.join(', '), 'no port has an exception path, so what they match is dropped')
  }
  return {
    rules: rules.map(({ name, match, to, class: klass, limit }) => ({ name, match, to, class: klass, limit })),
    exceptionPath,
  }
}

/** As `composeRules` does it: without a way to the kernel there is nothing that the built-ins could do. */
function wordsForBuiltins(wanted: boolean, kernelPath: boolean): string {
  if (!wanted) return 'no built-ins'
  return kernelPath ? 'then the built-ins and local' : 'no built-ins, since no port has an exception path'
}
