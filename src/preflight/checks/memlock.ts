import { pageKib } from '../../environment/hugepages.js'
import { onVfio } from '../../plan/drivers.js'
import { findingMaker } from '../finding-maker.js'
import type { Check, CheckInput, CodeDeclarations } from '../types.js'
import { plannedDevices } from './planned-devices.js'

const codes = {
  'memlock-refused': {
    levels: ['error'],
    meaning:
      'the memlock limit is below the first page that VFIO pins ("DMA remapping failed, error 12"), or RDMA cannot register its memory: the VF is not there',
    remedyIn: 'pod spec (IPC_LOCK) or node (default_ulimits)',
  },
  'memlock-partial': {
    levels: ['error'],
    meaning:
      'the memlock limit lets VFIO pin some pages, but not all: the VF is refused too, for all that is reserved is mapped at the start; a program that reserves nothing gets a port on which no packet ever arrives',
    remedyIn: 'pod spec (IPC_LOCK) or node (default_ulimits)',
  },
  'memlock-ok': {
    levels: ['ok'],
    meaning: 'IPC_LOCK is effective, or the memlock limit is large enough, or nothing is pinned; it says which',
    remedyIn: '-',
  },
} as const satisfies CodeDeclarations
const finding = findingMaker(codes)

export const memlockCheck = {
  name: 'memlock',
  title: 'May devices pin the memory?',
  codes,
  run(input) {
    const { process } = input.environment
    const { pinning, lockMib } = input.plan.vfio
    if (pinning !== 'insufficient') return [inForce(input)]
    // The pod grants IPC_LOCK and it does not arrive: the check capabilities tells that story.
    if (process.capabilities.bounding.includes('CAP_IPC_LOCK') && !process.userNamespace) return []
    return [
      finding(consequence(input).code, {
        subject: 'locked memory',
        needed: `${lockMib} MiB, or CAP_IPC_LOCK effective: ${lockConsequence(input)}`,
        found: `${describeLimit(process.memlockBytes)}, and ${process.userNamespace ? 'a user namespace, in which CAP_IPC_LOCK counts for nothing here' : 'no CAP_IPC_LOCK in the bounding set'}`,
        cause: 'what devices may write to is pinned, and counts against the limit of a process without IPC_LOCK',
        remedy: `${process.userNamespace ? 'pod spec: hostUsers: true with' : 'pod spec:'} securityContext.capabilities.add: [IPC_LOCK], and spillway-launch as the entrypoint; or node: default_ulimits = ["memlock=-1:-1"] in a CRI-O drop-in`,
      }),
    ]
  },
} satisfies Check

/** What happens at the limit that is there; for the two checks that tell of it. */
export function lockConsequence(input: CheckInput): string {
  return consequence(input).text
}

function consequence(input: CheckInput): { code: 'memlock-refused' | 'memlock-partial'; text: string } {
  const { lockMib } = input.plan.vfio
  const limit = describeLimit(input.environment.process.memlockBytes)
  const vfio = plannedDevices(input).some(({ device }) => onVfio(device))
  if (!vfio) {
    const text = `RDMA registers ${lockMib} MiB, and a limit of ${limit} refuses that: the port does not start`
    return { code: 'memlock-refused', text }
  }
  return limitBytes(input) < pageBytes(input)
    ? {
        code: 'memlock-refused',
        text: `VFIO pins ${lockMib} MiB, and with a limit of ${limit} not even the first page: the VF is refused`,
      }
    : {
        code: 'memlock-partial',
        text: `VFIO pins ${lockMib} MiB, and with a limit of ${limit} only the first pages: the VF is refused (a program that reserves no memory would get a port on which no packet ever arrives)`,
      }
}

function inForce({ plan, environment }: CheckInput) {
  const { pinning, lockMib } = plan.vfio
  const limit = describeLimit(environment.process.memlockBytes)
  const found = {
    'ipc-lock': `CAP_IPC_LOCK is effective, so the limit (${limit}) does not count`,
    memlock: `the limit is ${limit}, without CAP_IPC_LOCK`,
    'none-needed': `no device of the plan pins memory; the limit is ${limit}`,
    insufficient: limit,
  }[pinning]
  const needed = pinning === 'none-needed' ? 'nothing' : `${lockMib} MiB to be pinned for devices`
  return finding('memlock-ok', { subject: 'locked memory', needed, found })
}

function limitBytes({ environment }: CheckInput): number {
  return environment.process.memlockBytes ?? Number.POSITIVE_INFINITY
}

function pageBytes({ plan }: CheckInput): number {
  const { pageSize } = plan.memory
  // Without hugepages EAL maps its memory in pieces of this size at least.
  return pageKib(pageSize === 'none' ? '2Mi' : pageSize) * 1024
}

function describeLimit(bytes: number | null): string {
  if (bytes === null) return 'unlimited'
  return bytes < 1024 * 1024 ? `${Math.floor(bytes / 1024)} KiB` : `${Math.floor(bytes / 1024 / 1024)} MiB`
}
