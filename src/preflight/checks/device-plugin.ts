import type { PluginResource } from '../../environment/types.js'
import { listNames } from '../../plan/devices.js'
import { type LeftDevice, promisedNetworkDevices, sortPromised } from '../../plan/promised-devices.js'
import { findingMaker } from '../finding-maker.js'
import type { Check, CheckInput, CodeDeclarations, Finding } from '../types.js'
import { resourceNameOf } from './resource-name.js'

const codes = {
  'pcidevice-absent': {
    levels: ['warning'],
    meaning: 'a PCIDEVICE_… variable names an address that sysfs does not show',
    remedyIn: 'the pod (make it anew): the VF went away or the variable is stale',
  },
  'pcidevice-malformed': {
    levels: ['warning'],
    meaning: 'a PCIDEVICE_… variable holds words that are no PCI addresses',
    remedyIn: 'pod spec (env) or Spillway (ports[].device)',
  },
  'pcidevice-not-network': {
    levels: ['note'],
    meaning:
      'a PCIDEVICE_… variable names a device that is no network device, such as an accelerator: no port is made of it',
    remedyIn: '-',
  },
  'pcidevice-kernel-netdev': {
    levels: ['warning'],
    meaning: 'a promised VF has its netdev in this pod: it is left to the kernel, since another device suits DPDK',
    remedyIn: 'Spillway (ports[].device), if it was meant for DPDK',
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
      ...devicePlugin.flatMap((resource) => [
        ...absent(resource, input),
        ...malformed(resource),
        ...unreadable(resource),
      ]),
      ...leftAlone(input),
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
  return promisedNetworkDevices(environment)
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
        .map((word) => JSON.stringify(word))
        .join(', '),
      cause: 'the variable was set by hand, or belongs to another kind of resource',
      remedy: `if the pod spec sets it: remove ${variable} from env; if the device plugin did, Spillway cannot use this kind of device: name the devices in ports[].device`,
    }),
  ]
}

/** What `auto` would not take; where every port names its device, the choice is not its. */
function leftAlone({ config, environment, plan }: CheckInput): Finding[] {
  if (config.ports.length > 0 && config.ports.every(({ device }) => device !== 'auto')) return []
  const { left } = sortPromised(environment)
  return left.filter(({ address }) => !plan.ports.some(({ pciAddress }) => pciAddress === address)).map(explainLeft)
}

function explainLeft({ address, variable, why, found }: LeftDevice): Finding {
  if (why === 'not-network') {
    return finding('pcidevice-not-network', {
      subject: address,
      needed: 'network devices, to make ports of them',
      found: `${variable} names ${found}, which is none`,
      cause: 'the container has an accelerator or another device too, for a program of its own',
      remedy: null,
    })
  }
  return finding('pcidevice-kernel-netdev', {
    subject: address,
    needed: 'to know whether it is for DPDK or for the kernel',
    found: `${variable} names it, and its netdev ${found} is in this pod; another device suits DPDK`,
    cause: 'its network is one for the kernel, such as a management network (deviceType: netdevice)',
    remedy: `none, if that is so; else SriovNetworkNodePolicy with resourceName: ${resourceNameOf(variable)}: spec.deviceType: vfio-pci; or Spillway: ports[].device: "${address}"`,
  })
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
