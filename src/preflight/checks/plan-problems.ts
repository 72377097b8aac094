import { errorTable, type SpillwayError } from '../../errors.js'
import { packetNetdevOf } from '../../plan/devices.js'
import { findingMaker } from '../finding-maker.js'
import type { CheckInput, CodeDeclarations, Finding } from '../types.js'
import { resourceOf } from './resource-name.js'
import { wordsFor } from './surroundings.js'

export const planProblemCodes = {
  'device-missing': {
    levels: ['error'],
    meaning: 'a port has no device: none was requested, or the PCI device or netdev that it names is not there',
    remedyIn: 'pod spec or Spillway (ports[].device)',
  },
  'plan-refused': {
    levels: ['error'],
    meaning: 'the plan cannot do what the configuration asks for, and no check has more to say about it',
    remedyIn: 'what the remedy names',
  },
} as const satisfies CodeDeclarations
const finding = findingMaker(planProblemCodes)

/** A refusal of the plan in the words that `run` would end with. */
export function findingOfProblem({ code, message, hint }: SpillwayError, input: CheckInput): Finding {
  const words = wordsOf(message)
  if (code === 'ERR_DEVICE') return finding('device-missing', { ...words, ...storyOf(words.subject, input) })
  return finding('plan-refused', { ...words, cause: errorTable[code].meaning, remedy: hint ?? null })
}

/** What the refusals of the plan have in common: `port vf0: need a device, found none`. */
function wordsOf(message: string): { subject: string; needed: string; found: string } {
  const text = message.replaceAll('\n', '; ')
  const [, subject, needed, found] = /^([^:]{1,64}): (?:need|expected) (.+?), (?:found|but) (.+)$/.exec(text) ?? []
  return subject !== undefined && needed !== undefined && found !== undefined
    ? { subject, needed, found }
    : { subject: 'plan', needed: 'a plan that does what the configuration says', found: text }
}

type Story = Required<Pick<Finding, 'cause' | 'remedy'>>

/** Why a port, `port vf0`, has no device. */
function storyOf(subject: string, input: CheckInput): Story {
  const device = input.config.ports.find(({ name }) => subject === `port ${name}`)?.device ?? 'auto'
  if (device === 'auto') return input.environment.devicePlugin.length === 0 ? noResource(input) : tooFew(input)
  const netdev = packetNetdevOf(device)
  return netdev === undefined ? noPciDevice(input) : noNetdev(netdev, input)
}

const named = 'Spillway: ports[].device: "net_af_packet0,iface=NETDEV" takes a netdev'

function noResource({ environment }: CheckInput): Story {
  return wordsFor(environment, {
    pod: {
      cause: 'this container requests no resource of the SR-IOV device plugin, which would set such a variable',
      remedy: `pod spec: resources.limits: {openshift.io/RESOURCE: "1"} in this container; or ${named}`,
    },
    host: {
      cause: 'no device plugin gives out devices here, and the configuration names none',
      remedy: `${named}; spillway lab needs none`,
    },
  })
}

function tooFew({ environment: { devicePlugin }, plan }: CheckInput): Story {
  const resources = devicePlugin.map(({ variable }) => resourceOf(variable)).join(', ')
  return {
    cause: 'more ports are to take a device on their own than this container was given devices for ports',
    remedy: `pod spec: resources.limits of ${resources} in this container, ${plan.ports.length} in all; or fewer ports`,
  }
}

function noPciDevice({ environment }: CheckInput): Story {
  return {
    cause: wordsFor(environment, {
      pod: 'the address is that of another node or pod, or the VF was taken away: each pod gets other VFs',
      host: 'the address is that of another machine, or the VF was taken away',
    }),
    remedy: wordsFor(environment, {
      pod: 'Spillway: ports[].device: auto takes the VF that the device plugin gave this container',
      host: 'Spillway: ports[].device: an address of /sys/bus/pci/devices',
    }),
  }
}

function noNetdev(netdev: string, { environment }: CheckInput): Story {
  return {
    cause: 'this network namespace has no netdev of that name',
    remedy: `${wordsFor(environment, {
      pod: `pod spec: annotation k8s.v1.cni.cncf.io/networks: NETWORK@${netdev}`,
      host: `create ${netdev} in this network namespace`,
    })}; or Spillway: ports[].device with iface= of a netdev that is there`,
  }
}
