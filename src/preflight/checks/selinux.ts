import { findingMaker } from '../finding-maker.js'
import type { Check, CheckInput, CodeDeclarations } from '../types.js'
import { wantedTaps } from './wanted-taps.js'

const codes = {
  'selinux-avc': {
    levels: ['warning'],
    meaning:
      'a log that can be read shows SELinux denials about tun_socket, vhost or vfio: TUNSETIFF or open gives EACCES. No pod can read one; `--root` on the files of a node or on a must-gather can',
    remedyIn: 'NetworkAttachmentDefinition (selinuxContext) and node (container_use_devices)',
  },
  'selinux-boolean-off': {
    levels: ['warning'],
    meaning: 'SELinux enforces and container_use_devices is off: containers may not open device nodes',
    remedyIn: 'node (MachineConfig)',
  },
  'selinux-ok': { levels: ['ok'], meaning: 'no SELinux, or nothing it would refuse', remedyIn: '-' },
} as const satisfies CodeDeclarations
const finding = findingMaker(codes)

const booleanOn =
  'node: a MachineConfig with a systemd unit that runs /usr/sbin/setsebool container_use_devices=on before kubelet.service'

export const selinuxCheck = {
  name: 'selinux',
  title: 'Does SELinux let us?',
  codes,
  run(input) {
    const { selinux, avcDenials } = input.environment.kernel
    const context = input.environment.process.selinuxContext ?? 'unknown'
    if (avcDenials.length > 0) return [denied(input)]
    if (selinux?.enforcing === true && selinux.containerUseDevices === false && needsDevices(input)) {
      return [
        finding('selinux-boolean-off', {
          subject: 'container_use_devices',
          needed: 'the boolean on, so that container_t may open /dev/vhost-net and /dev/net/tun',
          found: `off, SELinux enforcing, context ${context}`,
          cause: 'it is off by default; the tap CNI of OpenShift documents it as a prerequisite',
          remedy: booleanOn,
        }),
      ]
    }
    const found =
      selinux === null
        ? 'no SELinux'
        : `context ${context}, ${selinux.enforcing === false ? 'permissive' : 'enforcing'}`
    return [finding('selinux-ok', { subject: 'SELinux', needed: 'tap and devices allowed', found })]
  },
} satisfies Check

function denied({ environment }: CheckInput) {
  const { avcDenials } = environment.kernel
  const tap = avcDenials.some((line) => line.includes('tun_socket'))
  return finding('selinux-avc', {
    subject: 'SELinux',
    needed: 'no denial about tun_socket, vhost or vfio',
    found: avcDenials.slice(-3).join(' | '),
    cause: tap
      ? 'the tap carries the label of the CNI process (spc_t, container_runtime_t), to which container_t may not attach'
      : 'container_t may not open the device node',
    remedy: tap
      ? `NetworkAttachmentDefinition: "selinuxContext": "system_u:system_r:container_t:s0" at the tap plugin; ${booleanOn}`
      : booleanOn,
  })
}

function needsDevices(input: CheckInput): boolean {
  return wantedTaps(input).some(({ tap }) => tap !== null)
}
