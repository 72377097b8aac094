import { mayAccess, type Who } from './file-access.js'
import type { HostFiles } from './host-files.js'
import type { DeviceNode, DeviceNodes } from './types.js'

const vfioFolder = 'dev/vfio'
const infinibandFolder = 'dev/infiniband'
const mostNodes = 512

export function discoverDeviceNodes(files: HostFiles, who: Who): DeviceNodes {
  // The device plugin takes the prefix away; a bare host and a privileged pod have it.
  const groups = files.names(vfioFolder).filter((name) => /^(?:noiommu-)?\d{1,9}$/.test(name))
  return {
    vhostNet: openNode(files, 'dev/vhost-net', who),
    tun: openNode(files, 'dev/net/tun', who),
    vfioContainer: lookAtNode(files, `${vfioFolder}/vfio`, who),
    vfioGroups: groups
      .slice(0, mostNodes)
      .map((group) => ({
        group: Number(group.replace('noiommu-', '')),
        ...lookAtNode(files, `${vfioFolder}/${group}`, who),
      }))
      .sort((a, b) => a.group - b.group),
    infiniband: files
      .names(infinibandFolder)
      .slice(0, mostNodes)
      .map((name) => lookAtNode(files, `${infinibandFolder}/${name}`, who)),
  }
}

/** Opens and closes a device: only that tells about modes, the device cgroup and a missing module at once. */
function openNode(files: HostFiles, path: string, who: Who): DeviceNode {
  if (!files.real) return lookAtNode(files, path, who)
  const error = files.openError(path)
  return describe(files, path, error)
}

/** Without opening, for devices that only one may hold: a VFIO group that we opened would be busy for others. */
function lookAtNode(files: HostFiles, path: string, who: Who): DeviceNode {
  const owner = files.owner(path)
  const known = files.real ? undefined : files.openError(path)
  if (known !== undefined || owner === null) return describe(files, path, known ?? 'ENOENT')
  return describe(files, path, mayAccess(owner, who, 6) ? undefined : 'EACCES')
}

function describe(files: HostFiles, path: string, error: string | undefined): DeviceNode {
  const node = { path: `/${path}`, owner: files.owner(path) }
  if (error !== undefined) return { ...node, state: error === 'ENOENT' ? 'missing' : 'refused', error }
  // What ioctl would say: DPDK takes such a file for the socket of a vhost-user backend.
  return files.isDevice(path) ? { ...node, state: 'usable' } : { ...node, state: 'refused', error: 'ENOTTY' }
}
