import { detectContainerRuntime } from './container-runtime.js'
import type { HostFiles } from './host-files.js'
import { isOnReadOnlyMount } from './mounts.js'
import { discoverSelinux, readAvcDenials } from './selinux.js'
import type { KernelEnvironment } from './types.js'

export function discoverKernel(files: HostFiles, env: Readonly<Record<string, string | undefined>>): KernelEnvironment {
  const maxMemRegions = files.number('sys/module/vhost/parameters/max_mem_regions')
  return {
    release: files.text('proc/sys/kernel/osrelease')?.trim() ?? 'unknown',
    vhost: maxMemRegions === undefined ? null : { maxMemRegions },
    unsafeNoIommu: files.text('sys/module/vfio/parameters/enable_unsafe_noiommu_mode')?.trim() === 'Y',
    selinux: discoverSelinux(files),
    avcDenials: readAvcDenials(files),
    rootReadOnly: isOnReadOnlyMount(files, '/'),
    containerRuntime: detectContainerRuntime(files, env),
  }
}
