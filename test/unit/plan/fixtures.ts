import { loadConfig } from '../../../src/config/load.js'
import type { Config } from '../../../src/config/schema.js'
import type { Environment } from '../../../src/environment/types.js'
import { SpillwayError } from '../../../src/errors.js'
import { makePlan } from '../../../src/plan/plan.js'
import type { Plan } from '../../../src/plan/types.js'

/** A configuration from settings as one would type them: `{ burst: '64', ports: '[{ device: net_null0 }]' }`. */
export function config(settings: Record<string, string> = {}): Config {
  const flags = Object.entries(settings).map(([path, text]) => ({ flag: '--set', path, text }))
  return loadConfig({ flags }).config
}

/** A made-up machine: four CPUs, shared; no hugepages; tun but no vhost-net; one tap and one netdev to use as VF. */
export function machine(changes: Partial<Environment> = {}): Environment {
  return {
    cpus: { allowed: [0, 1, 2, 3], online: [0, 1, 2, 3], isolated: [], quota: null },
    numaNodes: 1,
    hugepages: [{ size: '2Mi', total: 0, free: 0 }],
    process: { uid: 1001, gid: 1001, capabilities: [] },
    kernelRelease: '6.1.0',
    devices: {
      vhostNet: { path: '/dev/vhost-net', state: 'missing', error: 'ENOENT' },
      tun: { path: '/dev/net/tun', state: 'usable' },
    },
    netdevs: ['lo', 'eth0', 'vf0', 'ext0'],
    pciDevices: [],
    devicePlugin: [],
    runtimeDirectory: '/tmp',
    ...changes,
  }
}

export const nullPort = { ports: '[{ device: net_null0 }]' }

export function plan(settings: Record<string, string> = nullPort, environment = machine()): Plan {
  return makePlan(config(settings), environment)
}

/** What the plan says about a subject. */
export function decision(made: Plan, subject: string) {
  return made.decisions.find((candidate) => candidate.subject === subject)
}

/** The error that `act` throws, which has to be ours. */
export function refusal(act: () => unknown): SpillwayError {
  try {
    act()
  } catch (error) {
    if (error instanceof SpillwayError) return error
    throw error
  }
  throw new Error('expected a SpillwayError, and nothing was thrown')
}
