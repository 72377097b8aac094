import type { Config } from '../config/schema.js'
import type { Environment } from '../environment/types.js'
import { DecisionLog } from './decisions.js'
import { buildEalArgs } from './eal-args.js'
import { fillNextHops, planForwarding } from './forwarding.js'
import { planCpus, planIdle, planLcores } from './lcores.js'
import { planMemory } from './memory.js'
import { planPorts } from './ports.js'
import { planRules } from './rules.js'
import type { Plan } from './types.js'

/**
 * Decides everything that `run` will do. Pure: the same configuration and environment give the same plan.
 *
 * @throws SpillwayError with what was needed and what was found, when the host cannot do what was asked for.
 */
export function makePlan(config: Config, environment: Environment): Plan {
  const log = new DecisionLog()
  const cpus = planCpus(config, environment.cpus, log)
  const lcores = planLcores(cpus, log)
  const idle = planIdle(config, cpus, environment.cpus, log)
  const ports = planPorts(config, environment, log)
  const forwarding = planForwarding(config, ports, log)
  const rules = planRules(config, ports, log)
  const use = { ports, lcores: lcores.length, burst: config.burst, mbufCache: config.memory.mbufCache }
  const memory = planMemory(config, environment, use, log)
  return {
    cpus,
    lcores,
    idle,
    burst: config.burst,
    memory,
    ealArgs: buildEalArgs(cpus, lcores, memory),
    ports: fillNextHops(ports, forwarding.mode, log),
    forwarding,
    ...rules,
    decisions: log.decisions,
  }
}
