import { describe, expect, it } from 'vitest'
import { discoverOn, type MadeHost } from './made-host.js'

const kernelOf = (host: MadeHost) => discoverOn(host).kernel
const of = (files: Record<string, string>) => kernelOf({ files })

describe('the kernel', () => {
  it('tells the parameters of its modules', () => {
    const files = {
      'proc/sys/kernel/osrelease': '6.1.0-25-amd64\n',
      'sys/module/vhost/parameters/max_mem_regions': '64\n',
      'sys/module/vfio/parameters/enable_unsafe_noiommu_mode': 'Y\n',
    }
    expect(of(files)).toMatchObject({ release: '6.1.0-25-amd64', vhost: { maxMemRegions: 64 }, unsafeNoIommu: true })
    expect(of({ 'sys/module/vfio/parameters/enable_unsafe_noiommu_mode': 'N\n' }).unsafeNoIommu).toBe(false)
  })

  it.each([
    [{}, null],
    [{ 'proc/self/attr/current': 'u:r:t:s0\0' }, { enforcing: null, containerUseDevices: null }],
    [{ 'sys/fs/selinux/enforce': '1' }, { enforcing: true, containerUseDevices: null }],
    [
      { 'sys/fs/selinux/enforce': '0', 'sys/fs/selinux/booleans/container_use_devices': '0 1' },
      { enforcing: false, containerUseDevices: false },
    ],
    [
      { 'sys/fs/selinux/enforce': '1', 'sys/fs/selinux/booleans/container_use_devices': '1 1' },
      { enforcing: true, containerUseDevices: true },
    ],
  ])('has SELinux as %j tells', (files, selinux) => expect(of(files).selinux).toEqual(selinux))

  it('has the last denials that concern us', () => {
    const avc = (n: number, tclass: string) =>
      `type=AVC msg=audit(1700000000.${n}:${n}): avc:  denied  { relabelfrom } for  pid=1 comm="testpmd" ` +
      `scontext=system_u:system_r:container_t:s0 tcontext=system_u:system_r:spc_t:s0 tclass=${tclass} permissive=0\n`
    const lines = Array.from({ length: 20 }, (_, n) => avc(n, 'tun_socket')).join('') + avc(99, 'file')
    const { avcDenials } = of({ 'var/log/audit/audit.log': `${'x'.repeat(300_000)}\n${lines}` })
    expect(avcDenials).toHaveLength(8)
    expect(avcDenials[7]).toContain('audit(1700000000.19:19)')
  })

  it.each([
    ['/dev/sda1 / ext4 rw 0 0\n', false],
    ['overlay / overlay ro,relatime 0 0\n', true],
    ['rootfs / rootfs rw 0 0\noverlay / overlay ro 0 0\ntmpfs /tmp tmpfs rw 0 0\n', true],
    ['overlay / overlay rw,errors=remount-ro 0 0\n', false],
  ])('with mounts %j has a read-only root: %s', (mounts, readOnly) => {
    expect(of({ 'proc/self/mounts': mounts }).rootReadOnly).toBe(readOnly)
  })
})

describe('the container runtime', () => {
  const id = 'a'.repeat(64)
  it.each([
    ['cri-o', { files: { 'proc/1/cgroup': `0::/kubepods.slice/crio-${id}.scope\n` } }],
    ['cri-o', { files: { 'run/.containerenv': '' } }],
    ['containerd', { files: { 'proc/self/mountinfo': 'lowerdir=/var/lib/containerd/io.containerd.snapshotter.v1\n' } }],
    ['docker', { files: { '.dockerenv': '' } }],
    ['podman', { files: { 'run/.containerenv': 'engine="podman-5.2"\n' } }],
    ['podman', { env: { container: 'podman' } }],
    ['kata', { files: { 'proc/cmdline': 'root=/dev/pmem0 systemd.unit=kata-containers.target agent.log=debug\n' } }],
    ['unknown', { files: { 'proc/1/cgroup': '0::/kubepods/besteffort/pod1\n' } }],
    ['unknown', { env: { container: 'oci' } }],
    [null, { files: { 'proc/1/cgroup': '0::/init.scope\n' } }],
  ] as const)('is %s', (runtime, host) => expect(kernelOf(host).containerRuntime).toBe(runtime))
})

it('has the least memory limit of the cgroups', () => {
  const cgroup = 'sys/fs/cgroup'
  const limit = (files: Record<string, string>) => discoverOn({ files }).memoryLimitBytes
  expect(limit({ [`${cgroup}/memory.max`]: 'max\n' })).toBeNull()
  expect(limit({ [`${cgroup}/memory.max`]: '1073741824\n' })).toBe(1_073_741_824)
  expect(limit({ [`${cgroup}/memory/memory.limit_in_bytes`]: '9223372036854771712\n' })).toBeNull()
  const nested = { 'proc/self/cgroup': '0::/pod/c\n', [`${cgroup}/pod/memory.max`]: '5\n' }
  expect(limit({ ...nested, [`${cgroup}/pod/c/memory.max`]: '9\n', [`${cgroup}/cgroup.controllers`]: '' })).toBe(5)
})
