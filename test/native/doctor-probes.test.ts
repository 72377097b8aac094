import { describe, expect, test } from 'vitest'
import {
  asUser,
  hugetlbMissing,
  inHugetlbCgroup,
  inNetns,
  probeBelow,
  refusingMempolicy,
  withHugepages,
  withMemlock,
} from './restrictions.js'

/** The probes against this kernel, below restrictions that a pod would have. */

const MIB = 2 ** 20
const pod = asUser(1001, 1001)

const answered = (answer: object) => ({ status: 'answered', answer: expect.objectContaining(answer) })

// Users, namespaces and limits are made by root alone.
const isRoot = process.getuid?.() === 0
const needsRoot = isRoot ? '' : ' (needs root)'
if (!isRoot && process.env.CI) throw new Error('the tests of the probes need root')

describe.skipIf(!isRoot)(`mlock of what VFIO will pin, without IPC_LOCK${needsRoot}`, () => {
  test.each([
    ['64 KiB', 64 * 1024, 34 * MIB, { call: 'mlock2', error: 'ENOMEM' }],
    ['8 MiB', 8 * MIB, 34 * MIB, { call: 'mlock2', error: 'ENOMEM' }],
    ['8 MiB and less to pin', 8 * MIB, 6 * MIB, null],
    ['nothing', 0, 34 * MIB, { call: 'mlock2', error: 'EPERM' }],
  ])('with a memlock of %s', (_limit, memlock, bytes, refusal) => {
    const [outcome] = probeBelow([withMemlock(memlock), pod], { kind: 'mlock', bytes })
    expect(outcome).toMatchObject(answered({ kind: 'mlock', refusal }))
  })

  test('takes no memory: 64 GiB fit where there is no limit', () => {
    const [outcome] = probeBelow([], { kind: 'mlock', bytes: 64 * 1024 * MIB })
    expect(outcome).toMatchObject(answered({ refusal: null }))
  })
})

describe.skipIf(!isRoot)(`the NUMA calls${needsRoot}`, () => {
  test('are allowed here', () => {
    expect(probeBelow([pod], { kind: 'mempolicy' })).toMatchObject([answered({ refusals: [] })])
  })

  test.each([
    [1, 'EPERM'],
    [38, 'ENOSYS'],
  ])('are refused by a seccomp profile with errno %i', (errno, error) => {
    const calls = ['get_mempolicy', 'set_mempolicy', 'mbind']
    expect(probeBelow([refusingMempolicy(errno), pod], { kind: 'mempolicy' })).toMatchObject([
      answered({ refusals: calls.map((call) => ({ call, error })) }),
    ])
  })
})

describe.skipIf(!isRoot)(`a tap${needsRoot}`, () => {
  const single = 'ip tuntap add dev ext0 mode tap'
  const up = '; ip link set ext0 up'
  const probe = { kind: 'tap', device: '/dev/net/tun', tap: 'ext0', queues: 1, multiQueue: false }
  const features = ['IFF_MULTI_QUEUE', 'IFF_VNET_HDR', 'IFF_NAPI']

  test.each([
    ['that belongs to nobody', single, probe, { refusal: null, attached: 1, features }],
    ['of our own', `${single} user 1001 group 1001`, probe, { refusal: null, attached: 1 }],
    ['of another user', `${single} user 1002`, probe, { refusal: { call: 'TUNSETIFF', error: 'EPERM' } }],
    ['of another group', `${single} user 1001 group 0`, probe, { refusal: { call: 'TUNSETIFF', error: 'EPERM' } }],
    ['with several queues', `${single} multi_queue`, { ...probe, queues: 4, multiQueue: true }, { attached: 4 }],
    [
      'with several queues, when nobody knows',
      `${single} multi_queue`,
      { ...probe, queues: 2, multiQueue: null },
      { attached: 2, multiQueue: true },
    ],
    ['with one queue, when nobody knows', single, { ...probe, multiQueue: null }, { attached: 1, multiQueue: false }],
    [
      'with one queue where two are planned',
      single,
      { ...probe, queues: 2, multiQueue: true },
      { refusal: { call: 'TUNSETIFF', error: 'EINVAL' } },
    ],
    [
      'that is none',
      'ip link add ext0 type veth peer name ext1',
      probe,
      { refusal: { call: 'TUNSETIFF', error: 'EINVAL' } },
    ],
  ])('%s', (_what, script, request, answer) => {
    expect(probeBelow([inNetns(script + up), pod], request)).toMatchObject([answered(answer)])
  })

  test('that is missing is told', () => {
    const [outcome] = probeBelow([inNetns('true'), pod], probe)
    expect(outcome).toMatchObject(answered({ state: 'unknown', refusal: { call: 'SIOCGIFFLAGS', error: 'ENODEV' } }))
  })

  test('that is down is left alone: who holds it cannot be seen', () => {
    const [outcome] = probeBelow([inNetns(single), pod], probe)
    expect(outcome).toMatchObject(answered({ state: 'down', attached: 0, refusal: null }))
  })

  test('with one queue gives it once', () => {
    const [outcome] = probeBelow([inNetns(single + up), pod], { ...probe, queues: 2 })
    expect(outcome).toMatchObject(answered({ refusal: { call: 'TUNSETIFF of queue 2', error: 'EBUSY' } }))
  })

  test('that is missing is not made, even by root', () => {
    const [outcome] = probeBelow([inNetns('true')], probe)
    expect(outcome).toMatchObject(answered({ refusal: { call: 'SIOCGIFFLAGS', error: 'ENODEV' } }))
  })

  test('that a data plane holds is left alone', () => {
    const holder = `${single} multi_queue; ip link set ext0 up
      python3 -c 'import fcntl, os, signal, struct
fd = os.open("/dev/net/tun", os.O_RDWR)
fcntl.ioctl(fd, 0x400454ca, struct.pack("16sH22x", b"ext0", 0x5102))
os.close(1)
signal.pause()' &
      until [ "$(cat /proc/$!/fdinfo/3 2>/dev/null | grep -c iff:.*ext0)" = 1 ]; do :; done
      trap "kill $!" EXIT; "$@"; exit`
    const [outcome] = probeBelow([inNetns(holder)], { ...probe, multiQueue: true })
    expect(outcome).toMatchObject(answered({ state: 'held', attached: 0, refusal: null }))
  })
})

const missing = hugetlbMissing()
if (missing !== null && process.env.CI) throw new Error(`the tests of hugepages need ${missing}`)

describe.skipIf(missing !== null)(`a hugepage${missing === null ? '' : ` (needs ${missing})`}`, () => {
  const probe = { kind: 'hugepage', pageBytes: 2 * MIB }

  test('is touched where there is one', async () => {
    await withHugepages(2, () => {
      expect(probeBelow([pod], probe)).toMatchObject([answered({ refusal: null })])
    })
  })

  test('is refused by mmap where the machine has none', async () => {
    await withHugepages(0, () => {
      expect(probeBelow([pod], probe)).toMatchObject([answered({ refusal: { call: 'mmap', error: 'ENOMEM' } })])
    })
  })

  test('that the hugetlb cgroup refuses is a crash at the first touch, and the next probe gets its answer', async () => {
    await withHugepages(2, () =>
      inHugetlbCgroup(0, (below) => {
        expect(probeBelow([below, pod], probe, { kind: 'mempolicy' })).toMatchObject([
          { status: 'crashed', signal: 'SIGBUS' },
          { status: 'answered' },
        ])
      }),
    )
  })
})

describe.skipIf(!isRoot)(`device nodes${needsRoot}`, () => {
  test('that are missing are told by their errno', () => {
    expect(
      probeBelow(
        [pod],
        { kind: 'vhost-net', path: '/dev/not-vhost-net' },
        { kind: 'vfio-group', path: '/dev/not-vfio/7' },
      ),
    ).toMatchObject([
      answered({ refusal: { call: 'open', error: 'ENOENT' } }),
      answered({ refusal: { call: 'open', error: 'ENOENT' } }),
    ])
  })

  test('that are something else refuse the call', () => {
    expect(
      probeBelow(
        [],
        { kind: 'vhost-net', path: '/dev/null' },
        { kind: 'vfio-container', path: '/dev/null' },
        { kind: 'vfio-group', path: '/dev/null' },
      ),
    ).toMatchObject([
      answered({ refusal: { call: 'VHOST_GET_FEATURES', error: 'ENOTTY' } }),
      answered({ refusal: { call: 'VFIO_GET_API_VERSION', error: 'ENOTTY' } }),
      answered({ refusal: { call: 'VFIO_GROUP_GET_STATUS', error: 'ENOTTY' } }),
    ])
  })

  test('a folder that is no hugetlbfs is told by its filesystem', () => {
    expect(probeBelow([pod], { kind: 'hugetlb-mount', path: '/proc' })).toMatchObject([
      answered({ isHugetlbfs: false }),
    ])
  })
})
