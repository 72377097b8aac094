import type { Config } from '../config/schema.js'
import type { Environment } from '../environment/types.js'
import type { SpillwayError } from '../errors.js'
import { noteControlSocket } from './control-socket.js'
import { planCpus } from './cpus.js'
import { DecisionLog } from './decisions.js'
import { planDevices } from './devices.js'
import { buildEalArgs, buildLcores, chooseIovaMode, sharesMemory } from './eal-args.js'
import { noteExecCpus } from './exec-cpus.js'
import { fillNextHops, planForwarding } from './forwarding.js'
import { planIdle, planLcores } from './lcores.js'
import { planMemory } from './memory.js'
import { listPorts, planPorts } from './ports.js'
import { planProgram } from './program.js'
import { planRules } from './rules.js'
import { noteRuntimeDirectory } from './runtime-directory.js'
import type { Plan } from './types.js'
import { planVfio } from './vfio.js'
import { planVhost } from './vhost.js'

/** A plan, and what the host cannot do as asked: there it goes on with the nearest thing. */
export interface Draft {
  readonly plan: Plan
  readonly problems: readonly SpillwayError[]
}

/**
 * Decides everything that `run` will do. Pure: the same configuration and environment give the same plan.
 *
 * @throws SpillwayError the first problem of the draft: what was needed and what was found.
 */
export function makePlan(config: Config, environment: Environment): Plan {
  const { plan, problems } = draftPlan(config, environment)
  if (problems[0] !== undefined) throw problems[0]
  return plan
}

/** Like `makePlan`, for those who want to know everything that is wrong: it always makes a plan. */
export function draftPlan(config: Config, environment: Environment): Draft {
  const log = new DecisionLog()
  const devices = planDevices(listPorts(config, environment), environment, log)
  const cpus = planCpus(config, environment, devices, log)
  const lcores = planLcores(cpus, log)
  const idle = planIdle(config, cpus, environment, log)
  noteExecCpus(environment, cpus, log)
  const ports = planPorts(config, devices, cpus, environment, log)
  const vhost = planVhost(config, cpus, ports, environment, log)
  const forwarding = planForwarding(config, ports, log)
  const rules = planRules(config, ports, log)
  const use = { ports, lcores: lcores.length, burst: config.burst, mbufCache: config.memory.mbufCache }
  const memory = planMemory(config, environment, use, cpus, log)
  const vfio = planVfio(ports, memory, environment, log)
  noteRuntimeDirectory(environment, log)
  noteControlSocket(config, environment, log)
  const lcoreText = buildLcores(cpus, lcores)
  const iovaMode = chooseIovaMode(ports, environment)
  const input = { config, environment, cpus, ports, memory, vfio, lcores: lcoreText, iovaMode }
  const program = planProgram(input, log)
  const plan = {
    cpus,
    lcores,
    vhost,
    idle,
    burst: config.burst,
    memory,
    ealArgs: buildEalArgs(lcoreText, memory, environment.numaNodes, iovaMode, sharesMemory(ports)),
    vfio,
    program,
    ports: fillNextHops(ports, forwarding.mode, log),
    forwarding,
    ...rules,
    decisions: log.decisions,
  }
  return { plan, problems: log.problems }
}
