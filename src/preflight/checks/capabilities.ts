import type { Environment } from '../../environment/types.js'
import { isBifurcated } from '../../plan/drivers.js'
import { findingMaker } from '../finding-maker.js'
import type { Check, CheckInput, CodeDeclarations, Finding } from '../types.js'
import { lockConsequence } from './memlock.js'
import { describeDevice, plannedDevices } from './planned-devices.js'
import { wordsFor } from './surroundings.js'

const codes = {
  'capability-below-shell': {
    levels: ['error'],
    meaning:
      'the pod grants a needed capability, but it is not effective, and no_new_privs keeps file capabilities from helping',
    remedyIn: 'pod spec (command: spillway-launch as the entrypoint) or image (setcap)',
  },
  'capability-not-raised': {
    levels: ['error'],
    meaning: 'a needed capability is in the bounding set, but not effective: nothing with file capabilities was run',
    remedyIn: 'pod spec (command: spillway-launch) or image (setcap)',
  },
  'net-raw-missing': {
    levels: ['error'],
    meaning: 'mlx5 and af_packet need NET_RAW, and the pod does not grant it',
    remedyIn: 'pod spec (capabilities.add) and file capabilities',
  },
  'net-admin-missing': {
    levels: ['error'],
    meaning:
      'af_packet needs NET_ADMIN beside NET_RAW, and the pod does not grant it: DPDK sets promiscuous mode at every start ("Operation not permitted")',
    remedyIn: 'pod spec (capabilities.add) and file capabilities',
  },
  'capabilities-more-than-needed': {
    levels: ['note'],
    meaning: 'the container has capabilities that no way of running Spillway needs',
    remedyIn: 'pod spec (capabilities.drop)',
  },
  'capabilities-ok': { levels: ['ok'], meaning: 'every capability that the plan needs is effective', remedyIn: '-' },
} as const satisfies CodeDeclarations
const finding = findingMaker(codes)

interface Need {
  readonly capability: string
  readonly why: string
}

/** What a pod is told to grant and never needs (the docs' SYS_RESOURCE among them). */
const neverNeeded: readonly string[] = [
  'CAP_SYS_ADMIN',
  'CAP_SYS_MODULE',
  'CAP_SYS_RAWIO',
  'CAP_SYS_PTRACE',
  'CAP_SYS_RESOURCE',
  'CAP_DAC_READ_SEARCH',
]

const useful: readonly string[] = ['CAP_IPC_LOCK', 'CAP_NET_RAW', 'CAP_NET_ADMIN', 'CAP_SYS_NICE']

export const capabilitiesCheck = {
  name: 'capabilities',
  title: 'Are the needed capabilities effective?',
  codes,
  run(input) {
    const { process } = input.environment
    const needs = needsOf(input)
    const lacking = needs.filter(({ capability }) => !process.capabilities.effective.includes(capability))
    const found = [...lacking.flatMap((need) => judge(need, input.environment)), ...excess(input)]
    if (found.length > 0) return found
    const effective = describe(process.capabilities.effective)
    const needed = needs.map(({ capability }) => capability).join(', ') || 'none'
    return [
      finding('capabilities-ok', {
        subject: 'capabilities',
        needed,
        found: `effective: ${effective}${process.launched ? ', raised by spillway-launch' : ''}`,
      }),
    ]
  },
} satisfies Check

function needsOf(input: CheckInput): Need[] {
  const mellanox = plannedDevices(input).filter(({ device }) => isBifurcated(device))
  const afPacket = input.plan.ports.filter(({ devargs }) => devargs.startsWith('net_af_packet'))
  const netRaw = [
    ...mellanox.map((planned) => `${describeDevice(planned)} (raw queue pairs of mlx5)`),
    ...afPacket.map(({ name }) => `port ${name} (af_packet)`),
  ]
  const lock =
    input.plan.vfio.pinning === 'insufficient' ? [{ capability: 'CAP_IPC_LOCK', why: lockConsequence(input) }] : []
  const raw = netRaw.length > 0 ? [{ capability: 'CAP_NET_RAW', why: `for ${netRaw.join(', ')}` }] : []
  // rte_eth_dev_start has the driver switch promiscuous mode off, also when it is: SIOCSIFFLAGS.
  const names = afPacket.map(({ name }) => `port ${name} (af_packet sets promiscuous mode)`).join(', ')
  return [...lock, ...raw, ...(names === '' ? [] : [{ capability: 'CAP_NET_ADMIN', why: `for ${names}` }])]
}

function judge({ capability, why }: Need, environment: Environment): Finding[] {
  const { process } = environment
  const short = capability.replace('CAP_', '')
  // The probe of the limit speaks of locked memory too: one cause, one story.
  const words = {
    subject: capability === 'CAP_IPC_LOCK' ? 'locked memory' : capability,
    needed: `${capability} effective: ${why}`,
  }
  if (process.capabilities.bounding.includes(capability)) return [notInForce(words, environment, capability)]
  // Without IPC_LOCK in the pod, the limit is what there is to talk about: the check memlock does.
  if (capability === 'CAP_IPC_LOCK') return []
  const isRaw = capability === 'CAP_NET_RAW'
  return [
    finding(isRaw ? 'net-raw-missing' : 'net-admin-missing', {
      ...words,
      found: 'it is not in the bounding set',
      ...wordsFor(environment, {
        pod: {
          cause: isRaw
            ? 'the container drops ALL and does not add NET_RAW, which CRI-O leaves out of its defaults too'
            : `the container does not add ${short}, which no runtime gives by itself`,
          remedy: `pod spec: securityContext.capabilities.add: [${short}]; the entrypoint spillway-launch makes it effective`,
        },
        container: {
          cause: 'the container was started without it',
          remedy: `container: --cap-add ${short}; the entrypoint spillway-launch makes it effective`,
        },
        host: {
          cause: 'the systemd unit or what else started it took it away',
          remedy: `systemd: ${capability} in CapabilityBoundingSet= and AmbientCapabilities=`,
        },
      }),
    }),
  ]
}

function notInForce(words: { subject: string; needed: string }, environment: Environment, capability: string): Finding {
  const { noNewPrivs, uid } = environment.process
  const found = `in the bounding set, not effective; NoNewPrivs ${noNewPrivs ? 1 : 0}, uid ${uid}`
  return noNewPrivs
    ? finding('capability-below-shell', { ...words, found, ...belowShell(environment, capability) })
    : finding('capability-not-raised', { ...words, found, ...notRaised(environment, capability) })
}

function belowShell(environment: Environment, capability: string) {
  return wordsFor(environment, {
    pod: {
      cause:
        'a shell or another plain program came first: with allowPrivilegeEscalation: false only what the runtime itself starts keeps what the pod grants',
      remedy:
        'pod spec: command: ["spillway-launch", "run"], not below sh -c; what you kubectl exec needs spillway-launch in front too: kubectl exec … -- spillway-launch doctor',
    },
    container: {
      cause:
        'a shell or another plain program came first: with --security-opt no-new-privileges only what the runtime itself starts keeps what the container has',
      remedy:
        'container: --entrypoint spillway-launch IMAGE run, not below sh -c; what you exec needs spillway-launch in front too',
    },
    host: {
      cause:
        'no_new_privs is set (NoNewPrivileges= of a systemd unit, a sandbox): below it file capabilities give nothing',
      remedy: `systemd: AmbientCapabilities=${capability}; or start it where no_new_privs is not set, by spillway-launch`,
    },
  })
}

function notRaised(environment: Environment, capability: string) {
  const lower = capability.toLowerCase()
  const ambient = lower.replace('cap_', '+')
  const inImage = `image, as its last layer: setcap ${lower}+p on spillway-launch`
  const lost = 'or the image lost them (setcap before the last layer, a builder without xattrs)'
  return wordsFor(environment, {
    pod: {
      cause: `a user other than root loses capabilities at exec of a file without file capabilities, and Kubernetes sets no ambient ones; ${lost}`,
      remedy: `pod spec: command: ["spillway-launch", "run"]; ${inImage}`,
    },
    container: {
      cause: `a user other than root loses capabilities at exec of a file without file capabilities; ${lost}`,
      remedy: `container: --entrypoint spillway-launch IMAGE run; ${inImage}`,
    },
    host: {
      cause: 'a user other than root has no capabilities unless something gives them',
      remedy: `by hand as root: setpriv --reuid USER --regid GROUP --init-groups --inh-caps ${ambient} --ambient-caps ${ambient} spillway run; or systemd: AmbientCapabilities=${capability}`,
    },
  })
}

function excess(input: CheckInput): Finding[] {
  const { process, kernel } = input.environment
  // VFIO without an IOMMU needs a privileged pod, and the check vfio says so.
  if (plannedDevices(input).some(({ device }) => device.noIommu)) return []
  const more = process.capabilities.effective.filter((capability) => neverNeeded.includes(capability))
  if (more.length === 0 || kernel.containerRuntime === null || process.userNamespace) return []
  return [
    finding('capabilities-more-than-needed', {
      subject: 'capabilities',
      needed: 'IPC_LOCK for VFs where memlock is limited, NET_RAW for Mellanox, nothing else',
      found: `effective too: ${more.join(', ')}`,
      cause: more.includes('CAP_SYS_ADMIN')
        ? 'the container is privileged, or adds them'
        : 'older examples ask for them (SYS_RESOURCE was for ulimit -l in a shell)',
      remedy: wordsFor(input.environment, {
        pod: 'pod spec: securityContext: {privileged: false, capabilities: {drop: [ALL], add: [IPC_LOCK]}}',
        host: 'container: --cap-drop ALL --cap-add IPC_LOCK in place of --privileged',
      }),
    }),
  ]
}

/** Those that Spillway can use by name, the others by number: root has forty. */
function describe(effective: readonly string[]): string {
  const usable = effective.filter((capability) => useful.includes(capability))
  const others = effective.length - usable.length
  const words = [...usable, ...(others > 0 ? [`${others} others`] : [])]
  return words.length === 0 ? 'none' : words.join(', ')
}
