import { listNames } from '../../plan/devices.js'
import { promisedNetworkDevices } from '../../plan/promised-devices.js'
import { findingMaker } from '../finding-maker.js'
import type { Check, CheckInput, CodeDeclarations, Finding } from '../types.js'
import { resourceOf } from './resource-name.js'

const codes = {
  'pcidevice-other-container': {
    levels: ['warning'],
    meaning: 'a planned VF is not in the PCIDEVICE_… variables of this container: it was allocated to another one',
    remedyIn: 'Spillway (ports[].device: auto) or pod spec (resources of this container)',
  },
  'pcidevice-not-in-status': {
    levels: ['warning'],
    meaning:
      'PCIDEVICE_… and network-status name different VFs: the network was configured on a VF that this container does not have',
    remedyIn: 'pod spec (a resource per container)',
  },
  'pcidevice-ambiguous': {
    levels: ['note'],
    meaning: 'the pod has more VFs than this container: which network belongs to which container is not said',
    remedyIn: 'pod spec (a resource per container)',
  },
  'vf-container-ok': { levels: ['ok'], meaning: 'nothing says that a VF is of another container', remedyIn: '-' },
} as const satisfies CodeDeclarations
const finding = findingMaker(codes)

export const vfContainerCheck = {
  name: 'vf-container',
  title: 'Are the VFs those of this container?',
  codes,
  run(input) {
    const found = [...otherContainer(input), ...notInStatus(input), ...ambiguous(input)]
    if (found.length > 0) return found
    const words = { subject: 'VFs', needed: 'VFs of this container' }
    return [finding('vf-container-ok', { ...words, found: foundText(allocated(input)) })]
  },
} satisfies Check

function allocated({ environment }: CheckInput): string[] {
  return promisedNetworkDevices(environment)
}

function inStatus({ environment }: CheckInput): string[] {
  return (environment.pod.status ?? []).flatMap(({ device }) => (device?.pciAddress == null ? [] : [device.pciAddress]))
}

function otherContainer(input: CheckInput): Finding[] {
  const mine = allocated(input)
  const pods = inStatus(input)
  const { containerName } = input.environment.pod
  return input.plan.ports
    .filter(({ pciAddress }) => pciAddress !== null && pods.includes(pciAddress) && !mine.includes(pciAddress))
    .map(({ name, pciAddress }) =>
      finding('pcidevice-other-container', {
        subject: `port ${name}, ${pciAddress}`,
        needed: `a VF of this container${containerName === null ? '' : ` (${containerName})`}`,
        found:
          mine.length === 0 ? 'no PCIDEVICE_… variable in this container' : `its variables name ${listNames(mine)}`,
        cause:
          'the VF is of this pod, but was allocated to another container; its VFIO or RDMA nodes are there, not here',
        remedy:
          'Spillway: ports[].device: auto; or pod spec: request the resource in this container (the injector adds it to the first container only)',
      }),
    )
}

function notInStatus(input: CheckInput): Finding[] {
  const pods = inStatus(input)
  const strangers = allocated(input).filter((address) => !pods.includes(address))
  const [resource] = input.environment.devicePlugin
  if (pods.length === 0 || strangers.length === 0) return []
  return [
    finding('pcidevice-not-in-status', {
      subject: listNames(strangers),
      needed: 'a VF whose network (MAC, VLAN, trust) was configured for this container',
      found: `network-status configured ${listNames(pods)}`,
      cause:
        'several containers request one resource, and the CNI took the VF of another; or a VF was requested without a network',
      remedy: `pod spec: a resource of its own for each container (now ${resourceOf(resource?.variable ?? '')}), and a network annotation for each VF`,
    }),
  ]
}

function ambiguous(input: CheckInput): Finding[] {
  const pods = inStatus(input)
  const mine = allocated(input).filter((address) => pods.includes(address))
  if (mine.length === 0 || mine.length >= pods.length) return []
  return [
    finding('pcidevice-ambiguous', {
      subject: listNames(mine),
      needed: 'to know which networks are of this container',
      found: `${mine.length} of the ${pods.length} VFs of the pod (${listNames(pods)})`,
      cause:
        'network-status is of the pod and PCIDEVICE_… of the container; with one resource for several containers they may be swapped',
      remedy: 'pod spec: a resource of its own for each container; or Spillway: ports[].device names the address',
    }),
  ]
}

function foundText(addresses: readonly string[]): string {
  return addresses.length === 0 ? 'no PCIDEVICE_… variable names one' : `${listNames(addresses)}, of this container`
}
