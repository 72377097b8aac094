import type { DeviceNode, Environment } from '../../environment/types.js'
import { findingMaker } from '../finding-maker.js'
import type { Check, CheckInput, CodeDeclarations, Finding, Level } from '../types.js'
import { accessOf, describeOwner, describeProcess, deviceOwnership, groupRemedy } from './access.js'
import { explainMissing } from './vhost-net-missing.js'
import { wantedTaps } from './wanted-taps.js'

const codes = {
  'vhost-net-missing': {
    levels: ['warning', 'error'],
    meaning: 'the container has no /dev/vhost-net; an error when exception.backend asks for it',
    remedyIn: 'SriovNetworkNodePolicy (needVhostNet), pod spec (resource), node (module vhost_net)',
  },
  'vhost-net-mode': {
    levels: ['warning', 'error'],
    meaning: 'owner and mode of /dev/vhost-net refuse this user',
    remedyIn: 'pod spec (supplementalGroups) or node (device ownership)',
  },
  'vhost-net-selinux': {
    levels: ['warning', 'error'],
    meaning: 'owner and mode of /dev/vhost-net allow this user, and yet opening gives EACCES: SELinux',
    remedyIn: 'node (container_use_devices)',
  },
  'vhost-net-cgroup': {
    levels: ['warning', 'error'],
    meaning: 'the device cgroup does not let this container open /dev/vhost-net (EPERM)',
    remedyIn: 'SriovNetworkNodePolicy (needVhostNet)',
  },
  'vhost-net-module': {
    levels: ['warning', 'error'],
    meaning: '/dev/vhost-net is there, but no driver answers: the module is not loaded',
    remedyIn: 'node (module vhost_net)',
  },
  'vhost-net-ok': { levels: ['ok'], meaning: '/dev/vhost-net can be opened, or no port needs it', remedyIn: '-' },
} as const satisfies CodeDeclarations
const finding = findingMaker(codes)

export const vhostNetCheck = {
  name: 'vhost-net',
  title: 'Can the exception path use vhost-net?',
  codes,
  covers: ['ERR_VHOST_NET'],
  run(input) {
    const { vhostNet } = input.environment.devices
    const subject = vhostNet.path
    const needing = portsThatNeedIt(input)
    if (needing.length === 0) {
      return [
        finding('vhost-net-ok', {
          subject,
          needed: 'nothing: no port has a way to the kernel',
          found: `not needed; ${stateOf(vhostNet)}`,
        }),
      ]
    }
    const needed = `read and write, for the exception path of ${needing.join(', ')}`
    if (vhostNet.state === 'usable') return [finding('vhost-net-ok', { subject, needed, found: stateOf(vhostNet) })]
    return [explain(input, `${needed}${consequence(input)}`)]
  },
} satisfies Check

function portsThatNeedIt(input: CheckInput): string[] {
  return wantedTaps(input)
    .filter(({ tap, configured }) => configured?.exception.backend !== 'tap' && (tap !== null || asked(input)))
    .map(({ port }) => `port ${port.name}`)
}

function asked({ config }: CheckInput): boolean {
  return config.ports.some(({ exception }) => exception.backend === 'vhost-net')
}

function consequence(input: CheckInput): string {
  return asked(input) ? '' : '; without it the exception path goes through the tap itself, which is slower'
}

function stateOf(device: DeviceNode): string {
  if (device.state === 'usable') return 'it can be opened'
  if (device.state === 'missing') return `no such device in this container (${device.error})`
  return `${describeOwner(device.owner)}, opening gives ${device.error}`
}

function explain(input: CheckInput, needed: string): Finding {
  const { environment } = input
  const { vhostNet } = environment.devices
  const level: Level = asked(input) ? 'error' : 'warning'
  const words = { subject: vhostNet.path, needed, found: stateOf(vhostNet) }
  if (vhostNet.state === 'missing')
    return finding('vhost-net-missing', { ...words, ...explainMissing(environment) }, level)
  const { code, cause, remedy } = refusal(environment, vhostNet)
  return finding(code, { ...words, cause, remedy }, level)
}

interface Refusal {
  readonly code: keyof typeof codes
  readonly cause: string
  readonly remedy: string
}

function refusal({ process, kernel }: Environment, { owner, path, ...device }: DeviceNode): Refusal {
  const error = device.state === 'usable' ? '' : device.error
  if (error === 'EPERM') return notAllocated
  if (error === 'ENODEV' || error === 'ENXIO') return withoutModule
  const who = describeProcess(process)
  if (owner !== null && accessOf(owner, process).allowed) {
    const context = `context ${process.selinuxContext ?? 'unknown'}, enforcing ${kernel.selinux?.enforcing ?? 'unknown'}`
    const cause = `mode and owner allow ${who}, so SELinux refuses (${context})`
    const remedy = 'node: setsebool container_use_devices=on (by MachineConfig on OpenShift)'
    return { code: 'vhost-net-selinux', cause, remedy }
  }
  const cause = `this process is ${who}; the node's udev rule, not the pod, decides about the mode`
  const group = owner === null ? null : groupRemedy(path, owner)
  return { code: 'vhost-net-mode', cause, remedy: group ?? deviceOwnership }
}

const notAllocated: Refusal = {
  code: 'vhost-net-cgroup',
  cause:
    'the device node was made by hand or by another volume; the device cgroup lists only what the device plugin allocated',
  remedy: 'SriovNetworkNodePolicy: spec.needVhostNet: true, and let the device plugin bring the device',
}

const withoutModule: Refusal = {
  code: 'vhost-net-module',
  cause: 'the module vhost_net is not loaded on this node; a container cannot load it',
  remedy: 'node: echo vhost_net > /etc/modules-load.d/vhost_net.conf; modprobe vhost_net',
}
