import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { stringify } from 'yaml'
import { loadConfig } from '../../config/load.js'
import type { NativeRule } from '../../ipc/messages.js'
import { makePlan } from '../../plan/plan.js'
import type { ForwardingMode, Plan } from '../../plan/types.js'
import { composeRules } from '../../rules/compose.js'
import type { Machine } from './machine.js'

/** What both programs get alike. */
export const burst = 32
export const descriptors = 512
export const mbufCache = 512

/** The rules whose cost is measured, besides the built-ins and `local`. */
const fiveRules = ['tcp port 179', 'udp port 514', 'icmp', 'host 10.1.2.3 and tcp port 22', 'ether proto 0x88cc']
/** Addresses of an imagined tap, for the rule `local`. */
const tapAddresses = [{ port: 'p0', tap: 'ext0', addresses: ['10.99.0.1', 'fd99::1'] }]

export const defaultRule: NativeRule = { name: 'default', match: [], verdict: 'forward', class: 'other', limit: null }

/** UDP 10.0.0.1:4660 -> 10.0.0.2:22136, 64 bytes: nothing that a rule asks for. */
export const udpFrame = Uint8Array.from([
  2,
  0,
  0,
  0,
  0,
  1,
  2,
  0,
  0,
  0,
  0,
  2,
  8,
  0,
  0x45,
  0,
  0,
  50,
  0,
  0,
  0,
  0,
  64,
  17,
  0x66,
  0xb9,
  10,
  0,
  0,
  1,
  10,
  0,
  0,
  2,
  0x12,
  0x34,
  0x56,
  0x78,
  0,
  30,
  0,
  0,
  ...new Array<number>(22).fill(0),
])

/** A plan as `run` would make it on this machine from these settings, in the shape of spillway.yaml. */
export function planOf(machine: Machine, folder: string, settings: Readonly<Record<string, unknown>>): Plan {
  const file = join(folder, 'bench.yaml')
  writeFileSync(file, stringify(settings, { version: '1.1' }))
  return makePlan(loadConfig({ file }).config, machine.environment)
}

/** A plan for `devices` with exactly one lcore that never sleeps. */
export function planFor(machine: Machine, folder: string, devices: readonly string[], mode: ForwardingMode): Plan {
  const ports = devices.map((device, i) => ({
    name: `p${i}`,
    device,
    queues: 1,
    rxDescriptors: descriptors,
    txDescriptors: descriptors,
    exception: { backend: 'none' },
  }))
  const ethPeer = Object.fromEntries(ports.map(({ name }, i) => [name, `02:00:00:00:00:0${i}`]))
  return planOf(machine, folder, {
    lcores: String(machine.pollingCpu),
    idle: 'poll',
    burst,
    memory: { pageSize: machine.pageSize, mbufCache },
    ports,
    forwarding: { mode, ...(mode === 'mac' ? { ethPeer } : {}) },
    exceptionPath: { builtins: false },
  })
}

/** Built-ins, `local` and the five rules, as a pod with a tap would have them in force. */
export function ruleList(plan: Plan): NativeRule[] {
  const rules = fiveRules.map(
    (match, i) => ({ name: `rule${i}`, match, to: 'kernel', class: 'other', limit: null }) as const,
  )
  const [first, ...others] = plan.ports
  if (first === undefined) throw new RangeError('a plan has a port')
  const withTap = { ...first, exception: { ...first.exception, backend: 'tap', tap: 'ext0' } } as const
  return composeRules(
    {
      ...plan,
      rules: [...rules],
      ports: [withTap, ...others],
      exceptionPath: { ...plan.exceptionPath, builtins: true },
    },
    tapAddresses,
  )
}
