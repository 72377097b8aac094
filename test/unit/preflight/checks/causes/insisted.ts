import { hugepages } from '../../../plan/fixtures.js'
import { pages, refused } from '../fixtures.js'
import { vhost, wantTap, wantVhost } from './pods.js'
import type { Row } from './row.js'

const want2Mi = { 'memory.pageSize': '2Mi' }

const elsewhere = {
  ...hugepages('2Mi', 512),
  nodes: [
    { numaNode: 0, total: 256, free: 0 },
    { numaNode: 1, total: 256, free: 256 },
  ],
}

/** The same where the settings insist, so that the plan has no way around. */
export const insisted: readonly Row[] = [
  [
    'tun 0600',
    { devices: { tun: refused('/dev/net/tun', 'EACCES', 0o600) }, settings: wantTap },
    'tun-refused',
    'error',
    /0600/,
  ],
  [
    'vhost-net 0666 and EACCES',
    { devices: { vhostNet: refused(vhost, 'EACCES', 0o666) }, settings: wantVhost },
    'vhost-net-selinux',
    'error',
    /SELinux/,
  ],
  [
    'vhost-net not in the device cgroup',
    { devices: { vhostNet: refused(vhost, 'EPERM', 0o666) }, settings: wantVhost },
    'vhost-net-cgroup',
    'error',
    /EPERM/,
  ],
  [
    'vhost-net without its module',
    { devices: { vhostNet: refused(vhost, 'ENXIO', 0o666) }, settings: wantVhost },
    'vhost-net-module',
    'error',
    /ENXIO/,
  ],
  [
    'a hugetlb cgroup that is too small',
    { environment: { hugepages: [pages('2Mi', 512, { limit: 4 })] }, settings: want2Mi },
    'hugepages-cgroup-limit',
    'error',
    /8 MiB/,
  ],
  [
    'hugepages that others hold',
    { environment: { hugepages: [hugepages('2Mi', 512, 3)] }, settings: want2Mi },
    'hugepages-in-use',
    'error',
    /3 of 512/,
  ],
  [
    'hugepages of another NUMA node',
    { environment: { hugepages: [elsewhere] }, settings: want2Mi },
    'hugepages-other-node',
    'error',
    /node 0: 0 MiB/,
  ],
]
