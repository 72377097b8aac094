import type { HostFiles } from './host-files.js'
import type { KernelEnvironment } from './types.js'

const folder = 'sys/fs/selinux'

/** Null without SELinux. Most containers do not see its file system, but their label tells. */
export function discoverSelinux(files: HostFiles): KernelEnvironment['selinux'] {
  const enforce = files.number(`${folder}/enforce`)
  const labelled = /^[\w.-]+:[\w.-]+:[\w.-]+/.test(files.text('proc/self/attr/current') ?? '')
  if (enforce === undefined && !labelled) return null
  return {
    enforcing: enforce === undefined ? null : enforce === 1,
    containerUseDevices: readBoolean(files.text(`${folder}/booleans/container_use_devices`)),
  }
}

/** `0 0`: the value in force and the one that a commit would bring. */
function readBoolean(text: string | undefined): boolean | null {
  const value = /^([01]) [01]/.exec(text?.trim() ?? '')?.[1]
  return value === undefined ? null : value === '1'
}

const logs = ['var/log/audit/audit.log', 'var/log/dmesg']
const tailBytes = 262_144
const mostDenials = 8
const longestLine = 512

/** Denials that have to do with taps, vhost-net or VFIO, the last ones last. */
export function readAvcDenials(files: HostFiles): string[] {
  const lines = logs.flatMap((path) => (files.tail(path, tailBytes) ?? '').split('\n'))
  return lines
    .filter((line) => /avc:\s+denied/.test(line) && /tun_socket|vhost|vfio/.test(line))
    .slice(-mostDenials)
    .map((line) => line.slice(0, longestLine))
}
