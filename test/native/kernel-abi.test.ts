import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import {
  memory,
  mempolicyNumbers,
  netdev,
  tun,
  tunFeatures,
  vfio,
  vhost,
  vhostFeatures,
} from '../../src/preflight/probes/kernel-abi.js'

/** What the probes believe of the kernel's interface, held against the kernel's own headers by a compiler. */

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'spillway-abi-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

const headers = [
  'stdio.h',
  'stddef.h',
  'sys/socket.h',
  'sys/ioctl.h',
  'sys/mman.h',
  'sys/syscall.h',
  'linux/if.h',
  'linux/if_tun.h',
  'linux/magic.h',
  'linux/memfd.h',
  'linux/mempolicy.h',
  'linux/vfio.h',
  'linux/vhost.h',
  'linux/virtio_config.h',
  'linux/virtio_net.h',
  'linux/virtio_ring.h',
]

/** The values of C expressions. */
function valuesOf(expressions: readonly string[]): number[] {
  const prints = expressions.map((expression) => `printf("%llu\\n", (unsigned long long)(${expression}));`)
  const includes = headers.map((header) => `#include <${header}>`)
  const source = [...includes, 'int main(void) {', ...prints, 'return 0; }'].join('\n')
  writeFileSync(join(folder, 'abi.c'), source)
  execFileSync('cc', ['-D_GNU_SOURCE', '-o', join(folder, 'abi'), join(folder, 'abi.c')])
  return execFileSync(join(folder, 'abi'), { encoding: 'utf8' }).trim().split('\n').map(Number)
}

test('is what the headers say', () => {
  const { IFREQ_BYTES, IFREQ_UNION, ...netdevNames } = netdev
  const { TYPE1_IOMMU, TYPE1v2_IOMMU, NOIOMMU_IOMMU, GROUP_VIABLE, ...vfioCalls } = vfio
  const { HUGE_SHIFT, ...memoryNames } = memory
  const believed: Record<string, number> = {
    ...tun,
    ...netdevNames,
    ...vhost,
    ...vfioCalls,
    ...memoryNames,
    ...tunFeatures,
    ...vhostFeatures,
    'sizeof(struct ifreq)': IFREQ_BYTES,
    'offsetof(struct ifreq, ifr_flags)': IFREQ_UNION,
    VFIO_TYPE1_IOMMU: TYPE1_IOMMU,
    VFIO_TYPE1v2_IOMMU: TYPE1v2_IOMMU,
    VFIO_NOIOMMU_IOMMU: NOIOMMU_IOMMU,
    VFIO_GROUP_FLAGS_VIABLE: GROUP_VIABLE,
    'sizeof(struct vfio_group_status)': 8,
    MAP_HUGE_SHIFT: HUGE_SHIFT,
    ...Object.fromEntries(
      Object.entries(mempolicyNumbers(process.arch) ?? {}).map(([name, value]) => [`SYS_${name}`, value]),
    ),
  }
  const names = Object.keys(believed)
  expect(Object.fromEntries(valuesOf(names).map((value, index) => [names[index], value]))).toEqual(believed)
})
