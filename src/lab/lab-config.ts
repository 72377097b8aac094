import { readFileSync } from 'node:fs'
import { stringify } from 'yaml'
import { parseCpuList } from '../config/cpu-list.js'
import { labNetwork } from './topology.js'

/** Settings of Spillway in the shape of spillway.yaml. */
export type Settings = Readonly<Record<string, unknown>>

/**
 * What the inner `run` is given: the veth end as VF, read through af_packet, and the tap; everything that is not said
 * here is Spillway's default, so that the lab shows what a pod would get.
 *
 * @param allowedCpus  CPUs this process may use. The last one polls; with a single CPU the plan decides.
 */
export function labSettings(allowedCpus: readonly number[]): Settings {
  const { vf, tap } = labNetwork
  const last = allowedCpus.length > 1 ? allowedCpus.at(-1) : undefined
  return {
    lcores: last === undefined ? 'auto' : String(last),
    // The lab shares its CPUs with everything else on this machine.
    idle: 'ramp',
    memory: { pageSize: 'none' },
    ports: [
      {
        name: vf,
        // The kernel's ring in front of the lcore: 2048 frames last 0.1 s at 20 kpps when the lcore has to wait for its CPU.
        device: `net_af_packet0,iface=${vf},blocksz=4096,framesz=2048,framecnt=2048,qpairs=1`,
        exception: { backend: 'tap', tap },
      },
    ],
    forwarding: { mode: 'macswap' },
    http: { listen: 'fd:3' },
    log: { level: 'info', format: 'json' },
  }
}

/** All but the one that `labSettings` lets poll. */
export function housekeepingCpus(allowedCpus: readonly number[]): readonly number[] {
  return allowedCpus.length > 1 ? allowedCpus.slice(0, -1) : allowedCpus
}

export function formatSettings(settings: Settings): string {
  return stringify(settings, { version: '1.1' })
}

/** The CPUs that this process may use, ascending. */
export function readAllowedCpus(): number[] {
  const status = readFileSync('/proc/self/status', 'utf8')
  return parseCpuList(/^Cpus_allowed_list:\s*(\S+)$/m.exec(status)?.[1] ?? '') ?? []
}
