import { hugepages, missingDevice } from '../../../plan/fixtures.js'
import { otherVfAddress, pages, refused, resource, vfAddress } from '../fixtures.js'
import { vhost, wantVhost } from './pods.js'
import type { Row } from './row.js'

const noVhost = { vhostNet: missingDevice(vhost) }

export const kernelPath: readonly Row[] = [
  [
    'no vhost-net, and no resource in this container',
    { devices: noVhost, environment: { devicePlugin: [] }, pod: { containerName: 'side' } },
    'vhost-net-missing',
    'warning',
    /container \(side\) has no PCIDEVICE_… variable/,
  ],
  [
    'no vhost-net in _INFO, vhost loaded',
    { devices: noVhost },
    'vhost-net-missing',
    'warning',
    /has an _INFO without vhost: the policy of sriovnic lacks needVhostNet, or an earlier selector/,
  ],
  [
    'no vhost-net in _INFO, vhost not loaded',
    { devices: noVhost, kernel: { vhost: null } },
    'vhost-net-missing',
    'warning',
    /vhost is not loaded on this node.*resourceName: sriovnic: spec\.needVhostNet: true; modprobe vhost_net/,
  ],
  [
    'vhost-net promised by the _INFO of one of two resources',
    {
      devices: noVhost,
      environment: { devicePlugin: [resource(vfAddress), resource(otherVfAddress, { vhostNet: vhost })] },
    },
    'vhost-net-missing',
    'warning',
    /_INFO promises it/,
  ],
  [
    'vhost-net promised by _INFO and not there',
    { devices: noVhost, environment: { devicePlugin: [resource(vfAddress, { vhostNet: vhost })] } },
    'vhost-net-missing',
    'warning',
    /_INFO promises it/,
  ],
  [
    'no vhost-net where the settings insist',
    { devices: noVhost, settings: wantVhost },
    'vhost-net-missing',
    'error',
    /needVhostNet: true/,
  ],
  [
    'no vhost-net in a container of podman',
    { devices: noVhost, pod: { kubernetes: false }, kernel: { containerRuntime: 'podman' } },
    'vhost-net-missing',
    'warning',
    /--device \/dev\/vhost-net/,
  ],
  [
    'no vhost-net on a bare machine',
    { devices: noVhost, pod: { kubernetes: false }, kernel: { containerRuntime: null } },
    'vhost-net-missing',
    'warning',
    /modprobe vhost_net/,
  ],
  [
    'vhost-net root:kvm 0660',
    { devices: { vhostNet: refused(vhost, 'EACCES', 0o660, 0, 36) } },
    'vhost-net-mode',
    'warning',
    /0660 0:36.*supplementalGroups: \[36\]/,
  ],
  [
    'vhost-net root 0600',
    { devices: { vhostNet: refused(vhost, 'EACCES', 0o600) }, settings: wantVhost },
    'vhost-net-mode',
    'error',
    /device_ownership_from_security_context = true/,
  ],
  [
    'vhost-net 0666 and EACCES',
    {
      devices: { vhostNet: refused(vhost, 'EACCES', 0o666) },
      process: { selinuxContext: 'system_u:system_r:container_t:s0' },
    },
    'vhost-net-selinux',
    'warning',
    /container_t.*container_use_devices=on/,
  ],
  [
    'vhost-net not in the device cgroup',
    { devices: { vhostNet: refused(vhost, 'EPERM', 0o666) } },
    'vhost-net-cgroup',
    'warning',
    /device cgroup/,
  ],
  [
    'vhost-net without its module',
    { devices: { vhostNet: refused(vhost, 'ENODEV', 0o666) } },
    'vhost-net-module',
    'warning',
    /modprobe vhost_net/,
  ],
  [
    'vhost with fewer memory regions than EAL has lists for pages of 2Mi on two NUMA nodes',
    { kernel: { vhost: { maxMemRegions: 7 } } },
    'vhost-memory-regions',
    'error',
    /8 memory regions.* 7 .*max_mem_regions=64/,
  ],
  [
    'vhost with fewer memory regions than EAL has lists for pages of 2Mi and 1Gi, reserved or not',
    {
      environment: {
        numaNodes: [{ id: 0, cpus: [2, 3, 4, 5] }],
        hugepages: [pages('2Mi', 512, { limit: 512 }), hugepages('1Gi', 0)],
      },
      kernel: { vhost: { maxMemRegions: 5 } },
    },
    'vhost-memory-regions',
    'error',
    /6 memory regions/,
  ],
  [
    'vhost workers of a kernel before 6.4',
    { kernel: { release: '6.1.0-25-amd64' } },
    'vhost-workers-host',
    'note',
    /1 of them.*Linux 6\.1\.0-25-amd64.*isolcpus/,
  ],
  ['no tun', { devices: { tun: missingDevice('/dev/net/tun') } }, 'tun-missing', 'warning', /needVhostNet: true/],
  [
    'no tun where the settings insist',
    { devices: { tun: missingDevice('/dev/net/tun') }, settings: { ports: '[{ exception: { tap: ext0 } }]' } },
    'tun-missing',
    'error',
    /for the taps of port vf0/,
  ],
  [
    'tun 0600',
    { devices: { tun: refused('/dev/net/tun', 'EACCES', 0o600) } },
    'tun-refused',
    'warning',
    /0600 0:0.*uid 1001/,
  ],
  [
    'tun not in the device cgroup',
    { devices: { tun: refused('/dev/net/tun', 'EPERM', 0o666) } },
    'tun-refused',
    'warning',
    /device cgroup/,
  ],
  [
    'SELinux denials of the tap',
    { kernel: { avcDenials: ['avc: denied { relabelfrom } tclass=tun_socket'] } },
    'selinux-avc',
    'warning',
    /tun_socket.*"selinuxContext": "system_u:system_r:container_t:s0"/,
  ],
  [
    'SELinux denials of the tap and of a device',
    {
      kernel: {
        avcDenials: ['avc: denied { read } name="vhost-net"', 'avc: denied { relabelfrom } tclass=tun_socket'],
      },
    },
    'selinux-avc',
    'warning',
    /"selinuxContext"/,
  ],
  [
    'SELinux denials of a device',
    { kernel: { avcDenials: ['avc: denied { read write } name="vhost-net"'] } },
    'selinux-avc',
    'warning',
    /may not open the device node/,
  ],
  [
    'container_use_devices off',
    { kernel: { selinux: { enforcing: true, containerUseDevices: false } } },
    'selinux-boolean-off',
    'warning',
    /setsebool container_use_devices=on/,
  ],
]
