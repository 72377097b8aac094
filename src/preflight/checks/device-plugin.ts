import type { PluginResource } from '../../environment/types.js'
import { listNames } from '../../plan/devices.js'
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
  'pcidevice-absent': {
    levels: ['warning'],
    meaning: 'a PCIDEVICE_… variable names an address that sysfs does not show',
    remedyIn: 'the pod (make it anew): the VF went away or the variable is stale',
  },
  'pcidevice-malformed': {
    levels: ['warning'],
    meaning: 'a PCIDEVICE_… variable holds words that are no PCI addresses',
    remedyIn: 'pod spec (env)',
  },
  'pcidevice-info-unreadable': {
    levels: ['note'],
    meaning: 'PCIDEVICE_…_INFO cannot be read; addresses are known, devices of vhost and VFIO are not',
    remedyIn: 'device plugin',
  },
  'device-info-absent': {
    levels: ['note'],
    meaning: 'network-status has no device-info: VF and network are matched by the variables alone',
    remedyIn: 'NetworkAttachmentDefinition or Multus',
  },
  'device-plugin-ok': { levels: ['ok'], meaning: 'what the device plugin says fits the rest', remedyIn: '-' },
} as const satisfies CodeDeclarations
const finding = findingMaker(codes)

export const devicePluginCheck = {
  name: 'device-plugin',
  title: 'Does what the device plugin says fit?',
  codes,
  run(input) {
    const { devicePlugin } = input.environment
    const found = [
      ...otherContainer(input),
      ...notInStatus(input),
      ...ambiguous(input),
      ...devicePlugin.flatMap((resource) => [
        ...absent(resource, input),
        ...malformed(resource),
        ...unreadable(resource),
      ]),
      ...withoutDeviceInfo(input),
    ]
    if (found.length > 0) return found
    const shown = devicePlugin.map(({ variable, addresses }) => `${variable}=${listNames(addresses)}`).join(' ')
    return [
      finding('device-plugin-ok', {
        subject: 'device plugin',
        needed: 'one story of all sources',
        found: shown || 'no PCIDEVICE_… variable',
      }),
    ]
  },
} satisfies Check

function allocated({ environment }: CheckInput): string[] {
  return environment.devicePlugin.flatMap(({ addresses }) => addresses)
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

function absent({ variable, addresses }: PluginResource, { environment }: CheckInput): Finding[] {
  const gone = addresses.filter((address) => !environment.pciDevices.some((device) => device.address === address))
  if (gone.length === 0) return []
  return [
    finding('pcidevice-absent', {
      subject: variable,
      needed: 'PCI devices that are there',
      found: `${listNames(gone)} is not in /sys/bus/pci/devices`,
      cause:
        'the VFs were made anew after the pod started (a changed policy, a drained node), or the variable was set by hand',
      remedy: 'delete the pod, so that it gets VFs that exist; Spillway cannot bring back a VF',
    }),
  ]
}

function malformed({ variable, malformed: words }: PluginResource): Finding[] {
  if (words.length === 0) return []
  return [
    finding('pcidevice-malformed', {
      subject: variable,
      needed: 'PCI addresses such as 0000:3b:02.4, joined by commas',
      found: words
        .slice(0, 4)
        .map((word) => JSON.stringify(word.slice(0, 40)))
        .join(', '),
      cause: 'the variable was set by hand, or belongs to another kind of resource',
      remedy: `pod spec: remove ${variable} from env; the device plugin sets it`,
    }),
  ]
}

function unreadable({ variable, infoProblem }: PluginResource): Finding[] {
  if (infoProblem === null) return []
  return [
    finding('pcidevice-info-unreadable', {
      subject: `${variable}_INFO`,
      needed: 'JSON of the device plugin',
      found: infoProblem,
      cause: 'another version of the device plugin, or a variable that was set by hand',
      remedy: `see printenv ${variable}_INFO; Spillway goes on with the addresses alone`,
    }),
  ]
}

function withoutDeviceInfo(input: CheckInput): Finding[] {
  const { status } = input.environment.pod
  const mine = allocated(input)
  if (status === null || status.length === 0 || mine.length === 0 || status.some(({ device }) => device !== null))
    return []
  return [
    finding('device-info-absent', {
      subject: 'network-status',
      needed: 'device-info with the PCI address of each VF',
      found: `${status.length} networks, none with device-info; PCIDEVICE_… names ${listNames(mine)}`,
      cause: 'an old Multus, or a NetworkAttachmentDefinition with a list of plugins',
      remedy:
        'NetworkAttachmentDefinition: k8s.v1.cni.cncf.io/resourceName as annotation, Multus 3.7 or newer; until then the MAC of a VF is taken from its port',
    }),
  ]
}
