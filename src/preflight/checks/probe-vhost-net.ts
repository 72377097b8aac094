import { findingMaker } from '../finding-maker.js'
import { answersOf, type ProbeCheck, refusalText } from '../probe-check.js'
import type { AnswerOf, Refusal } from '../probes/messages.js'
import type { CheckInput, CodeDeclarations, Finding } from '../types.js'

const codes = {
  'probe-vhost-net-refused': {
    levels: ['error'],
    meaning: '/dev/vhost-net is there and cannot be used',
    remedyIn: 'SriovNetworkNodePolicy, pod spec, node',
    repeats: ['vhost-net-missing', 'vhost-net-mode', 'vhost-net-selinux', 'vhost-net-cgroup', 'vhost-net-module'],
  },
  'probe-vhost-net-features': {
    levels: ['warning'],
    meaning: 'vhost-net lacks a feature that virtio-user relies on',
    remedyIn: 'node',
  },
  'probe-vhost-net-ok': { levels: ['ok'], meaning: 'vhost-net answers with its features', remedyIn: '–' },
} as const satisfies CodeDeclarations
const finding = findingMaker(codes)

const wanted = ['VIRTIO_NET_F_MRG_RXBUF', 'VIRTIO_F_VERSION_1'] as const

export const probeVhostNet: ProbeCheck = {
  name: 'probe-vhost-net',
  title: 'whether vhost-net opens and what it can do',
  codes,
  run: (outcomes, input) =>
    answersOf(outcomes, 'vhost-net').map(({ request, answer }) =>
      answer.refusal === null ? told(request.path, answer) : refused(request.path, answer.refusal, input),
    ),
}

function told(subject: string, { features }: AnswerOf<'vhost-net'>): Finding {
  const missing = wanted.filter((feature) => !features.includes(feature))
  const found = `features ${features.join(', ') || 'none that we know'}`
  const needed = `it to open, with ${wanted.join(' and ')}`
  if (missing.length === 0) return finding('probe-vhost-net-ok', { subject, needed, found })
  return finding('probe-vhost-net-features', {
    subject,
    needed,
    found: `${found}; ${missing.join(' and ')} not among them`,
    cause: 'a kernel that is older than what DPDK expects',
    remedy: 'take a node with a newer kernel, or set ports[].exception.backend: tap',
  })
}

function refused(subject: string, refusal: Refusal, { environment: { process } }: CheckInput): Finding {
  return finding('probe-vhost-net-refused', {
    subject,
    needed: `to open it for reading and writing as uid ${process.uid}, gid ${process.gid}`,
    found: refusalText(refusal),
    ...(stories[refusal.error] ?? otherStory),
  })
}

interface Story {
  readonly cause: string
  readonly remedy: string
}

const stories: Readonly<Record<string, Story>> = {
  EACCES: {
    cause: 'the mode of the device node, or SELinux',
    remedy:
      'securityContext.supplementalGroups: [gid of the node], or device_ownership_from_security_context = true in the ' +
      'container runtime; with SELinux setsebool container_use_devices=on',
  },
  EPERM: {
    cause: 'the device cgroup: the device plugin did not hand the device to this container',
    remedy: 'needVhostNet: true in the SriovNetworkNodePolicy, and the resource in the limits of this container',
  },
  ENXIO: { cause: 'the module vhost_net is not loaded', remedy: 'modprobe vhost_net on the node' },
  ENODEV: { cause: 'the module vhost_net is not loaded', remedy: 'modprobe vhost_net on the node' },
  ENOTTY: {
    cause: 'the file is not the vhost-net device',
    remedy: 'mount the host device /dev/vhost-net, not a file of that name',
  },
}
const otherStory: Story = {
  cause: 'the kernel refused the device',
  remedy: 'look at the kernel log of the node (dmesg), or set ports[].exception.backend: tap',
}
