import { findingMaker } from '../finding-maker.js'
import { answersOf, type ProbeCheck, refusalText } from '../probe-check.js'
import type { AnswerOf, Refusal } from '../probes/messages.js'
import type { CheckInput, CodeDeclarations, Finding } from '../types.js'

const codes = {
  'probe-vfio-container-refused': {
    levels: ['error'],
    meaning: '/dev/vfio/vfio cannot be used',
    remedyIn: 'SriovNetworkNodePolicy, node',
    repeats: ['vfio-container-missing', 'vfio-container-refused'],
  },
  'probe-vfio-no-iommu': {
    levels: ['warning'],
    meaning: 'VFIO offers no IOMMU of type 1',
    remedyIn: 'node',
  },
  'probe-vfio-group-refused': {
    levels: ['error'],
    meaning: 'the VFIO group of a VF cannot be opened',
    remedyIn: 'pod spec, container runtime',
    repeats: ['vfio-group-missing', 'vfio-group-refused'],
  },
  'probe-vfio-group-not-viable': {
    levels: ['error'],
    meaning: 'a device of the VFIO group is still bound to a kernel driver',
    remedyIn: 'node',
    repeats: ['vfio-group-not-viable'],
  },
  'probe-vfio-group-in-use': {
    levels: ['note'],
    meaning: 'a program has the VFIO group open',
    remedyIn: '–',
  },
  'probe-vfio-ok': { levels: ['ok'], meaning: 'VFIO container or group can be used', remedyIn: '–' },
} as const satisfies CodeDeclarations
const finding = findingMaker(codes)

export const probeVfio: ProbeCheck = {
  name: 'probe-vfio',
  title: 'whether VFIO container and groups can be used',
  codes,
  run: (outcomes, input) => [
    ...answersOf(outcomes, 'vfio-container').map(({ request, answer }) => container(request.path, answer, input)),
    ...answersOf(outcomes, 'vfio-group').map(({ request, answer }) => group(request.path, answer, input)),
  ],
}

function who({ environment: { process } }: CheckInput): string {
  return `to open it for reading and writing as uid ${process.uid}, groups ${[process.gid, ...process.groups].join(' ')}`
}

function container(subject: string, answer: AnswerOf<'vfio-container'>, input: CheckInput): Finding {
  const needed = `${who(input)}, with an IOMMU of type 1`
  if (answer.refusal !== null)
    return finding('probe-vfio-container-refused', {
      subject,
      needed,
      found: refusalText(answer.refusal),
      cause: openCause(answer.refusal, 'the module vfio is not loaded'),
      remedy: 'deviceType: vfio-pci in the SriovNetworkNodePolicy; mode 0666 of /dev/vfio/vfio on the node',
    })
  const found = `API version ${answer.apiVersion}, ${answer.type1 ? 'type 1 IOMMU' : answer.noIommu ? 'no-IOMMU mode' : 'no IOMMU'}`
  if (answer.type1) return finding('probe-vfio-ok', { subject, needed, found })
  return finding('probe-vfio-no-iommu', {
    subject,
    needed,
    found,
    cause: 'the IOMMU is off in firmware or on the kernel command line',
    remedy: 'intel_iommu=on (or amd_iommu=on) and iommu=pt on the kernel command line; in a VM, an emulated IOMMU',
  })
}

function group(subject: string, { refusal, viable }: AnswerOf<'vfio-group'>, input: CheckInput): Finding {
  const needed = who(input)
  if (refusal?.error === 'EBUSY')
    return finding('probe-vfio-group-in-use', {
      subject,
      needed,
      found: 'another process has it open',
      cause: 'a data plane that runs, or a program that was not ended',
    })
  if (refusal !== null)
    return finding('probe-vfio-group-refused', {
      subject,
      needed,
      found: refusalText(refusal),
      cause: openCause(refusal, 'the group has no device bound to vfio-pci'),
      remedy: groupRemedy(subject, input),
    })
  if (viable) return finding('probe-vfio-ok', { subject, needed, found: 'a viable group' })
  return finding('probe-vfio-group-not-viable', {
    subject,
    needed: 'every device of the group free for VFIO',
    found: 'a group that is not viable',
    cause: 'another device of the same IOMMU group is bound to a kernel driver',
    remedy: 'bind all devices of the group to vfio-pci, or take a NIC whose port has ACS',
  })
}

function openCause({ error }: Refusal, otherwise: string): string {
  if (error === 'EACCES') return 'the mode and group of the device node, or SELinux'
  if (error === 'EPERM') return 'the device cgroup: the device plugin did not hand the device to this container'
  return otherwise
}

function groupRemedy(path: string, { environment }: CheckInput): string {
  const gid = environment.devices.vfioGroups.find((node) => node.path === path)?.owner?.gid
  return gid === undefined || gid === 0
    ? 'device_ownership_from_security_context = true in the container runtime of the node'
    : `securityContext.supplementalGroups: [${gid}]`
}
