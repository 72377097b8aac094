import { describe, expect, test } from 'vitest'
import type { Environment } from '../../../../src/environment/types.js'
import { draftPlan } from '../../../../src/plan/plan.js'
import type { Plan } from '../../../../src/plan/types.js'
import { findingsOfProbes, probeChecks } from '../../../../src/preflight/probe-checks.js'
import type { ProbeOutcome } from '../../../../src/preflight/probe-runner.js'
import type { ProbeAnswer, ProbeRequest } from '../../../../src/preflight/probes/messages.js'
import { config, machine, netdev, nullPort, tap } from '../../plan/fixtures.js'

const request = {
  vhostNet: { kind: 'vhost-net', path: '/dev/vhost-net' },
  tap: { kind: 'tap', device: '/dev/net/tun', tap: 'ext0', queues: 2, multiQueue: true },
  hugepage: { kind: 'hugepage', pageBytes: 2 ** 30 },
  mount: { kind: 'hugetlb-mount', path: '/mnt/huge' },
  mlock: { kind: 'mlock', bytes: 34 * 2 ** 20 },
  mempolicy: { kind: 'mempolicy' },
  container: { kind: 'vfio-container', path: '/dev/vfio/vfio' },
  group: { kind: 'vfio-group', path: '/dev/vfio/42' },
} as const satisfies Record<string, ProbeRequest>

/** An answer to one of the requests; what is not said is as where all is well. */
function answer<K extends keyof typeof request>(to: K, changes: object = {}): ProbeOutcome {
  return { request: request[to], status: 'answered', answer: { ...well[to], ...changes } as ProbeAnswer }
}
const refusal = (call: string, error: string) => ({ refusal: { call, error } })

const well: Record<keyof typeof request, ProbeAnswer> = {
  vhostNet: {
    kind: 'vhost-net',
    refusal: null,
    features: ['VIRTIO_NET_F_MRG_RXBUF', 'VIRTIO_F_VERSION_1', 'VHOST_NET_F_VIRTIO_NET_HDR'],
  },
  tap: { kind: 'tap', refusal: null, state: 'free', features: ['IFF_MULTI_QUEUE'], attached: 2, multiQueue: true },
  hugepage: { kind: 'hugepage', refusal: null },
  mount: { kind: 'hugetlb-mount', refusal: null, isHugetlbfs: true, pageBytes: 2 ** 21, freePages: 12 },
  mlock: { kind: 'mlock', refusal: null },
  mempolicy: { kind: 'mempolicy', refusals: [], numaAvailable: true },
  container: { kind: 'vfio-container', refusal: null, apiVersion: 0, type1: true, noIommu: false },
  group: { kind: 'vfio-group', refusal: null, viable: true },
}

/** What the checks make of one outcome in a pod with hugepages. */
function findingsOf(outcome: ProbeOutcome, changes: Partial<Environment> = {}, pageSize: '2Mi' | 'none' = '2Mi') {
  const environment = machine(changes)
  // As a draft: what is wrong with a tap or a limit is for the checks to say.
  const made = draftPlan(config(nullPort), environment).plan
  const withPages: Plan = { ...made, memory: { ...made.memory, pageSize } }
  return findingsOfProbes([outcome], { config: config(), environment, plan: withPages, problems: [] })
}

const mempolicyRefused = ['get_mempolicy', 'set_mempolicy', 'mbind'].map((call) => ({ call, error: 'EPERM' }))
const inPod = { ...machine().pod, kubernetes: true }
const ownedTap = [tap('ext0', { owner: 1002, group: 0 })]
const group801 = {
  ...machine().devices,
  vfioGroups: [
    {
      path: '/dev/vfio/42',
      group: 42,
      owner: { mode: 0o660, uid: 0, gid: 801 },
      state: 'refused' as const,
      error: 'EACCES',
    },
  ],
}

type Row = readonly [
  code: string,
  what: string,
  outcome: ProbeOutcome,
  expected: object,
  environment?: Partial<Environment>,
  pageSize?: '2Mi' | 'none',
]
const text = (part: string) => expect.stringContaining(part)

const rows: readonly Row[] = [
  ['probe-vhost-net-ok', 'features', answer('vhostNet'), { level: 'ok', found: text('VIRTIO_NET_F_MRG_RXBUF') }],
  [
    'probe-vhost-net-features',
    'an old vhost-net',
    answer('vhostNet', { features: ['VIRTIO_NET_F_MRG_RXBUF'] }),
    { level: 'warning', found: text('VIRTIO_F_VERSION_1 not among them') },
  ],
  [
    'probe-vhost-net-refused',
    'a mode that is closed',
    answer('vhostNet', refusal('open', 'EACCES')),
    { level: 'error', needed: text('uid 1001'), remedy: text('supplementalGroups') },
  ],
  [
    'probe-vhost-net-refused',
    'a device cgroup',
    answer('vhostNet', refusal('open', 'EPERM')),
    { cause: text('device cgroup'), remedy: text('needVhostNet: true') },
  ],
  [
    'probe-vhost-net-refused',
    'a module that is not loaded',
    answer('vhostNet', refusal('open', 'ENXIO')),
    { remedy: text('modprobe vhost_net') },
  ],
  ['probe-tap-ok', 'two queues', answer('tap'), { level: 'ok', subject: 'tap ext0', found: text('2 queues') }],
  [
    'probe-tap-refused',
    'another owner',
    answer('tap', refusal('TUNSETIFF', 'EPERM')),
    { level: 'error', found: text('owner uid 1002, group gid 0'), remedy: text('"owner": 1001') },
    { netdevs: ownedTap, pod: inPod },
  ],
  [
    'probe-tap-refused',
    'another owner on a plain machine',
    answer('tap', refusal('TUNSETIFF', 'EPERM')),
    { level: 'error', remedy: text('ip tuntap add dev ext0 mode tap multi_queue user 1001') },
    { netdevs: ownedTap },
  ],
  [
    'probe-tap-refused',
    'a tap that sysfs does not show',
    answer('tap', refusal('TUNSETIFF', 'EPERM')),
    { level: 'warning' },
    { netdevs: [netdev('ext0', { kind: 'unknown' })] },
  ],
  [
    'probe-tap-selinux',
    'SELinux',
    answer('tap', refusal('TUNSETIFF', 'EACCES')),
    {
      level: 'error',
      cause: text('relabelfrom'),
      remedy: expect.stringMatching(/container_use_devices=on.*the node's log has the denial: ausearch -m avc/),
    },
    { pod: inPod },
  ],
  [
    'probe-tap-selinux',
    'SELinux, and a tap that sysfs does not show',
    answer('tap', refusal('TUNSETIFF', 'EACCES')),
    { level: 'warning' },
    { netdevs: [netdev('ext0', { kind: 'unknown' })] },
  ],
  [
    'probe-tap-refused',
    'a tap made for one queue',
    answer('tap', refusal('TUNSETIFF', 'EINVAL')),
    { level: 'error', remedy: text('"multiQueue": true') },
    { pod: inPod },
  ],
  [
    'probe-tap-refused',
    'a tap made for one queue on a plain machine',
    answer('tap', refusal('TUNSETIFF', 'EINVAL')),
    { level: 'error', remedy: text('mode tap multi_queue user 1001') },
  ],
  [
    'probe-tap-queues',
    'a second queue that is refused',
    answer('tap', refusal('TUNSETIFF of queue 2', 'E2BIG')),
    { level: 'error', found: text('queue 2') },
  ],
  ['probe-tap-in-use', 'a running data plane', answer('tap', { state: 'held', attached: 0 }), { level: 'note' }],
  [
    'probe-tap-down',
    'one that is down',
    answer('tap', { state: 'down' }),
    { level: 'note', remedy: text('ip link set ext0 up') },
  ],
  ['probe-tap-in-use', 'one queue that is taken', answer('tap', refusal('TUNSETIFF', 'EBUSY')), { level: 'note' }],
  [
    'probe-tap-queues',
    'a tap made for one queue, refusing our second',
    answer('tap', refusal('TUNSETIFF of queue 2', 'EBUSY')),
    { level: 'error', cause: text('made for one queue') },
  ],
  ['probe-hugepage-ok', 'a page', answer('hugepage'), { level: 'ok', subject: 'hugepages of 1Gi' }],
  [
    'probe-hugepage-refused',
    'no page',
    answer('hugepage', refusal('mmap', 'ENOMEM')),
    { level: 'error', remedy: text('resources.limits.hugepages-1Gi') },
  ],
  [
    'probe-hugepage-refused',
    'no such size',
    answer('hugepage', refusal('memfd_create', 'ENODEV')),
    { cause: text('without this page size') },
  ],
  [
    'probe-hugepage-killed',
    'a hugetlb cgroup without room',
    { request: request.hugepage, status: 'crashed', signal: 'SIGBUS', exitCode: null, stderr: '' },
    { level: 'error', found: text('SIGBUS'), remedy: text('resources.limits.hugepages-1Gi') },
  ],
  ['probe-mount-ok', 'a hugetlbfs', answer('mount'), { level: 'ok', found: 'a hugetlbfs with pages of 2Mi, 12 free' }],
  [
    'probe-mount-masked',
    'a tmpfs over it',
    answer('mount', { isHugetlbfs: false }),
    { level: 'warning', subject: '/mnt/huge', remedy: text('medium: HugePages') },
  ],
  ['probe-mount-refused', 'a closed folder', answer('mount', refusal('statfs', 'EACCES')), { level: 'note' }],
  ['probe-mlock-ok', 'a large limit', answer('mlock'), { level: 'ok', needed: text('34 MiB') }],
  [
    'probe-mlock-refused',
    'a limit of 64 KiB',
    answer('mlock', refusal('mlock2', 'ENOMEM')),
    { level: 'error', found: text('64 KiB'), remedy: text('IPC_LOCK') },
    { process: { ...machine().process, memlockBytes: 65_536 } },
  ],
  [
    'probe-mlock-refused',
    'IPC_LOCK of a user namespace',
    answer('mlock', refusal('mlock2', 'ENOMEM')),
    { cause: text('first user namespace') },
    {
      process: {
        ...machine().process,
        capabilities: { ...machine().process.capabilities, effective: ['CAP_IPC_LOCK'] },
      },
    },
  ],
  ['probe-mempolicy-ok', 'an open profile', answer('mempolicy'), { level: 'ok', found: text('are allowed') }],
  [
    'probe-mempolicy-ok',
    'a kernel without NUMA',
    answer('mempolicy', { refusals: [{ call: 'mbind', error: 'ENOSYS' }], numaAvailable: false }),
    { level: 'ok', found: text('without NUMA') },
  ],
  [
    'probe-mempolicy-refused',
    'a profile that wants SYS_NICE',
    answer('mempolicy', { refusals: mempolicyRefused }),
    { level: 'error', found: text('get_mempolicy: EPERM'), remedy: text('SYS_NICE') },
  ],
  [
    'probe-mempolicy-refused',
    'the same with a libnuma that copes',
    answer('mempolicy', { refusals: mempolicyRefused, numaAvailable: false }),
    { level: 'note', found: text('EAL goes on') },
  ],
  [
    'probe-mempolicy-refused',
    'the same without hugepages',
    answer('mempolicy', { refusals: mempolicyRefused }),
    { level: 'note', found: text('without hugepages') },
    {},
    'none',
  ],
  ['probe-vfio-ok', 'a container', answer('container'), { level: 'ok', subject: '/dev/vfio/vfio' }],
  ['probe-vfio-ok', 'a group', answer('group'), { level: 'ok', subject: '/dev/vfio/42' }],
  [
    'probe-vfio-container-refused',
    'a container of mode 0600',
    answer('container', refusal('open', 'EACCES')),
    { level: 'error', remedy: text('0666') },
  ],
  [
    'probe-vfio-no-iommu',
    'a machine without IOMMU',
    answer('container', { type1: false, noIommu: true }),
    { level: 'warning', found: text('no-IOMMU mode'), remedy: text('intel_iommu=on') },
  ],
  [
    'probe-vfio-group-refused',
    'a group of gid 801',
    answer('group', refusal('open', 'EACCES')),
    { level: 'error', remedy: 'securityContext.supplementalGroups: [801]' },
    { devices: group801 },
  ],
  [
    'probe-vfio-group-refused',
    'a group that nobody handed over',
    answer('group', refusal('open', 'EPERM')),
    { level: 'error', cause: text('device cgroup') },
  ],
  ['probe-vfio-group-in-use', 'a running data plane', answer('group', refusal('open', 'EBUSY')), { level: 'note' }],
  [
    'probe-vfio-group-not-viable',
    'a sibling on a kernel driver',
    answer('group', { viable: false }),
    { level: 'error', cause: text('kernel driver') },
  ],
  [
    'probe-hung',
    'a call that does not come back',
    { request: request.vhostNet, status: 'hung', deadlineMs: 1000 },
    { level: 'warning', subject: '/dev/vhost-net', found: 'none in 1 s' },
  ],
  [
    'probe-crashed',
    'a profile that kills',
    { request: request.mempolicy, status: 'crashed', signal: 'SIGSYS', exitCode: null, stderr: '' },
    { level: 'warning', cause: text('seccomp'), remedy: text('seccompProfile') },
  ],
  [
    'probe-crashed',
    'an exit',
    { request: request.tap, status: 'crashed', signal: null, exitCode: 3, stderr: 'a\nout of luck' },
    { found: 'the probe died: exit code 3: out of luck' },
  ],
  [
    'probe-skipped',
    'a data plane that runs',
    { request: request.tap, status: 'skipped', reason: 'a running Spillway holds it' },
    { level: 'note', found: 'a running Spillway holds it' },
  ],
  [
    'probe-broken',
    'a child that did not start',
    { request: request.mlock, status: 'broken', problem: 'no child' },
    { level: 'note', cause: text('CPUs that are so busy'), remedy: text('--bundle') },
  ],
]

describe('what the kernel said becomes a finding', () => {
  const named = rows.map((row) => [`${row[0]}: ${row[1]}`, row] as const)
  test.each(named)('%s', (_name, [code, _what, outcome, expected, environment, pageSize]) => {
    expect(findingsOf(outcome, environment, pageSize)).toMatchObject([{ code, ...expected }])
  })

  test('of every code that is declared, at every level it declares', () => {
    const declared = probeChecks.flatMap(({ codes }) =>
      Object.entries(codes).flatMap(([code, { levels }]) => levels.map((level) => `${code} ${level}`)),
    )
    const found = rows.flatMap(([_code, _what, outcome, _expected, environment, pageSize]) =>
      findingsOf(outcome, environment, pageSize).map(({ code, level }) => `${code} ${level}`),
    )
    expect([...new Set(found)].sort()).toEqual(declared.sort())
  })
})
