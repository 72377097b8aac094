import type { DeviceNode, Environment } from '../../environment/types.js'
import { findingMaker } from '../finding-maker.js'
import type { Check, CheckInput, CodeDeclarations, Finding, Level } from '../types.js'
import { accessOf, describeOwner, describeProcess, deviceOwnership, groupRemedy } from './access.js'
import { resourceNameOf } from './resource-name.js'
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
          found: stateOf(vhostNet),
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
  if (vhostNet.state === 'missing') return finding('vhost-net-missing', { ...words, ...missing(environment) }, level)
  const { code, cause, remedy } = refusal(environment, vhostNet)
  return finding(code, { ...words, cause, remedy }, level)
}

function refusal(
  { process, kernel }: Environment,
  device: DeviceNode,
): { code: keyof typeof codes; cause: string; remedy: string } {
  const error = device.state === 'usable' ? '' : device.error
  if (error === 'EPERM') {
    return {
      code: 'vhost-net-cgroup',
      cause:
        'the device node was made by hand or by another volume; the device cgroup lists only what the device plugin allocated',
      remedy: 'SriovNetworkNodePolicy: spec.needVhostNet: true, and let the device plugin bring the device',
    }
  }
  if (error === 'ENODEV' || error === 'ENXIO') {
    return {
      code: 'vhost-net-module',
      cause: 'the module vhost_net is not loaded on this node; a container cannot load it',
      remedy: 'node: echo vhost_net > /etc/modules-load.d/vhost_net.conf; modprobe vhost_net',
    }
  }
  if (device.owner !== null && accessOf(device.owner, process).allowed) {
    return {
      code: 'vhost-net-selinux',
      cause: `mode and owner allow ${describeProcess(process)}, so SELinux refuses (context ${process.selinuxContext ?? 'unknown'}, enforcing ${kernel.selinux?.enforcing ?? 'unknown'})`,
      remedy: 'node: setsebool container_use_devices=on (by MachineConfig on OpenShift)',
    }
  }
  const group = device.owner === null ? null : groupRemedy(device.path, device.owner)
  return {
    code: 'vhost-net-mode',
    cause: `this process is ${describeProcess(process)}; the node's udev rule, not the pod, decides about the mode`,
    remedy: group ?? deviceOwnership,
  }
}

/** The four causes of facts that nobody reports, narrowed by what the pod shows. */
function missing(environment: Environment): { cause: string; remedy: string } {
  const { devicePlugin, pod, kernel } = environment
  const modprobe =
    'modprobe vhost_net on the node, then restart the device plugin pod, which looks for it only at its start'
  if (!pod.kubernetes) {
    return kernel.containerRuntime === null
      ? { cause: 'the module vhost_net is not loaded', remedy: 'node: modprobe vhost_net' }
      : {
          cause: 'the container was started without the device',
          remedy: 'container: --device /dev/vhost-net --device /dev/net/tun',
        }
  }
  const [first] = devicePlugin
  if (first === undefined) {
    return {
      cause: `this container${pod.containerName === null ? '' : ` (${pod.containerName})`} has no PCIDEVICE_… variable: it requests no resource of the SR-IOV device plugin, which would bring the device`,
      remedy:
        'pod spec: resources.limits: {openshift.io/RESOURCE: "1"} in this container; the policy of that resource with spec.needVhostNet: true',
    }
  }
  const name = resourceNameOf(first.variable)
  const policy = `SriovNetworkNodePolicy with resourceName: ${name}: spec.needVhostNet: true`
  const infos = devicePlugin.flatMap(({ info }) => Object.values(info ?? {}))
  if (infos.some(({ vhostNet }) => vhostNet !== null)) {
    return {
      cause: `${first.variable}_INFO promises it, but it was not put into the container: another container of the pod got it, or the runtime's CDI hook failed`,
      remedy: `pod spec: request the resource ${name} in this container; see the events of the pod and the log of the device plugin`,
    }
  }
  if (kernel.vhost === null) {
    return {
      cause: `the module vhost is not loaded on this node, so the device plugin had nothing to give (${first.variable}_INFO has no vhost)`,
      remedy: `${policy}; ${modprobe}`,
    }
  }
  return {
    cause: `${infos.length === 0 ? `${first.variable} has no readable _INFO` : `${first.variable}_INFO has no vhost`}: the policy of ${name} lacks needVhostNet, or an earlier selector of higher priority owns the VF, or vhost_net was loaded after the device plugin started`,
    remedy: `${policy}; look for another policy that selects the same VF with a lower spec.priority number; if both are right: ${modprobe}`,
  }
}
