import { describe, expect, it } from 'vitest'
import { pageKib, sizeOfKib } from '../../../src/environment/hugepages.js'
import { discoverOn } from './made-host.js'

const cgroup = 'sys/fs/cgroup'
const machine = (free: number) => ({
  'sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages': '1024\n',
  'sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages': `${free}\n`,
})
const pagesOf = (files: Record<string, string>) => discoverOn({ files: { ...machine(1000), ...files } }).hugepages[0]
const mib = (count: number) => `${count * 1024 * 1024}\n`

describe('hugepages', () => {
  it.each([
    ['max\n', { limit: null, used: 2 }, 1000],
    [mib(64), { limit: 32, used: 2 }, 30],
    ['0\n', { limit: 0, used: 2 }, 0],
    [mib(4096), { limit: 2048, used: 2 }, 1000],
    ['junk', { limit: null, used: 2 }, 1000],
  ])('available under the limit %j of cgroup v2', (max, limits, available) => {
    const files = { [`${cgroup}/hugetlb.2MB.max`]: max, [`${cgroup}/hugetlb.2MB.current`]: mib(4) }
    expect(pagesOf(files)).toMatchObject({ total: 1024, free: 1000, cgroup: limits, available })
  })

  it('are limited by reservations too', () => {
    const files = { [`${cgroup}/hugetlb.2MB.max`]: 'max\n', [`${cgroup}/hugetlb.2MB.rsvd.max`]: mib(16) }
    expect(pagesOf(files)).toMatchObject({ cgroup: { limit: 8, used: 0 }, available: 8 })
  })

  it.each([
    ['9223372036854771712\n', { limit: null, used: 1 }, 1000],
    [mib(20), { limit: 10, used: 1 }, 9],
  ])('available under the limit %j of cgroup v1', (limit, limits, available) => {
    const folder = `${cgroup}/hugetlb`
    const files = {
      'proc/self/cgroup': '7:hugetlb:/kubepods/pod1/abc\n',
      [`${folder}/hugetlb.2MB.limit_in_bytes`]: limit,
      [`${folder}/hugetlb.2MB.usage_in_bytes`]: mib(2),
    }
    expect(pagesOf(files)).toMatchObject({ cgroup: limits, available })
  })

  it('are limited by the pod when the container is not', () => {
    const files = {
      'proc/self/cgroup': '3:hugetlb:/pod/container\n',
      [`${cgroup}/hugetlb/pod/hugetlb.2MB.limit_in_bytes`]: mib(100),
      [`${cgroup}/hugetlb/pod/container/hugetlb.2MB.limit_in_bytes`]: '9223372036854771712\n',
    }
    expect(pagesOf(files)).toMatchObject({ cgroup: { limit: 50, used: 0 }, available: 50 })
  })

  it('are limited on the v2 tree of a hybrid machine', () => {
    const files = {
      'proc/self/cgroup': '3:memory:/\n0::/\n',
      [`${cgroup}/memory/memory.limit_in_bytes`]: '1\n',
      [`${cgroup}/unified/hugetlb.2MB.max`]: mib(8),
    }
    expect(pagesOf(files)).toMatchObject({ available: 4 })
  })

  it('of which not both numbers can be read are none', () => {
    const [total, free] = Object.entries(machine(1))
    for (const one of [total, free])
      expect(discoverOn({ files: Object.fromEntries([one ?? []]) }).hugepages).toEqual([])
  })

  it('are told by NUMA node, ascending by number', () => {
    const node = (id: number, free: number) => ({
      [`sys/devices/system/node/node${id}/hugepages/hugepages-2048kB/nr_hugepages`]: '512\n',
      [`sys/devices/system/node/node${id}/hugepages/hugepages-2048kB/free_hugepages`]: `${free}\n`,
    })
    expect(pagesOf({ ...node(10, 3), ...node(2, 7) })?.nodes).toEqual([
      { numaNode: 2, total: 512, free: 7 },
      { numaNode: 10, total: 512, free: 3 },
    ])
  })
})

it.each([
  ['2Mi', 2048],
  ['512Mi', 524_288],
  ['1Gi', 1_048_576],
] as const)('a page of %s is %s KiB', (size, kib) => {
  expect(pageKib(size)).toBe(kib)
  expect(sizeOfKib(kib)).toBe(size)
  expect(sizeOfKib(kib + 1)).toBeNull()
})

describe('hugetlbfs mounts', () => {
  const mountsOf = (mounts: string, files: Record<string, string> = {}, stat: Record<string, unknown> = {}) =>
    discoverOn({
      files: {
        'proc/self/mounts': mounts,
        'proc/self/status': 'Uid:\t1001\t1001\t1001\t1001\nGid:\t1001\t1001\t1001\t1001\nCpus_allowed_list:\t0\n',
        ...files,
      },
      stat,
    }).hugetlbMounts

  it.each([
    ['pagesize=2M', '2Mi'],
    ['pagesize=1024M', '1Gi'],
    ['pagesize=1G', '1Gi'],
    ['pagesize=512M', '512Mi'],
    ['pagesize=2097152', '1Gi'],
    ['pagesize=16G', null],
  ])('have the page size of %s', (option, pageSize) => {
    const meminfo = { 'proc/meminfo': 'Hugepagesize:    1048576 kB\n' }
    const [mount] = mountsOf(`hugetlbfs /mnt/huge hugetlbfs rw,relatime,${option} 0 0\n`, meminfo)
    expect(mount?.pageSize).toBe(pageSize)
  })

  it('have the kernel’s default size when nothing is said', () => {
    const line = 'none /mnt/huge hugetlbfs rw,relatime 0 0\n'
    expect(mountsOf(line, { 'proc/meminfo': 'Hugepagesize:       2048 kB\n' })[0]?.pageSize).toBe('2Mi')
    expect(mountsOf(line)[0]?.pageSize).toBeNull()
  })

  it('can be written when mode, group and mount say so', () => {
    const writable = (options: string, entry: unknown) =>
      mountsOf(`none /mnt/huge hugetlbfs ${options} 0 0\n`, {}, { '/mnt/huge': entry })[0]?.writable
    expect(writable('rw', { mode: '2775', gid: 1001 })).toBe(true)
    expect(writable('rw', { mode: '0755' })).toBe(false)
    expect(writable('ro', { mode: '0777' })).toBe(false)
  })

  it('are not there when something else was mounted over them', () => {
    const lines = 'none /mnt/huge hugetlbfs rw 0 0\ntmpfs /mnt/huge tmpfs rw 0 0\nnone /mnt/big hugetlbfs rw 0 0\n'
    expect(mountsOf(lines).map(({ path }) => path)).toEqual(['/mnt/big'])
  })

  it('count the files that a program left, and read blanks in paths', () => {
    const files = { 'mnt/my huge/rtemap_0': '', 'mnt/my huge/spillwaymap_12': '', 'mnt/my huge/other': '' }
    expect(mountsOf('none /mnt/my\\040huge hugetlbfs rw 0 0\n', files)[0]).toMatchObject({
      path: '/mnt/my huge',
      leftovers: 2,
    })
  })
})
