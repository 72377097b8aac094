import type { Level } from '../../../../src/preflight/types.js'
import { hugepages, missingDevice, netdev, tap, usableDevice, vf } from '../../plan/fixtures.js'
import {
  capabilities,
  mellanox,
  noCapability,
  otherVfAddress,
  pages,
  refused,
  resource,
  type Said,
  tapStatus,
  theTap,
  variable,
  vfAddress,
  vfStatus,
} from './fixtures.js'

/** What is wrong with a pod, and what the checks have to make of it. */
export interface Cause {
  readonly what: string
  readonly said: Said
  readonly code: string
  readonly level: Level
  /** What the finding has to say, in whichever of its lines. */
  readonly says: RegExp
}

type Row = readonly [what: string, said: Said, code: string, level: Level, says: RegExp]
const cause = ([what, said, code, level, says]: Row): Cause => ({ what, said, code, level, says })

const vhost = '/dev/vhost-net'
const noVhost = { vhostNet: missingDevice(vhost) }
const wantVhost = { ports: '[{ exception: { backend: vhost-net } }]' }
const wantTap = { ports: '[{ exception: { tap: ext0 } }]' }
const want2Mi = { 'memory.pageSize': '2Mi' }
const elsewhere = {
  ...hugepages('2Mi', 512),
  nodes: [
    { numaNode: 0, total: 256, free: 0 },
    { numaNode: 1, total: 256, free: 256 },
  ],
}
const twoQueues = { ports: '[{ exception: { tap: ext0, queues: 2 } }]' }
const otherContainer = {
  settings: { ports: `[{ device: "${otherVfAddress}" }]` },
  environment: { pciDevices: [vf(vfAddress), vf(otherVfAddress, { iommuGroup: 43 })] },
  pod: {
    containerName: 'app',
    status: [
      vfStatus(),
      vfStatus({ netdev: 'net2', device: { ...vfStatus().device, pciAddress: otherVfAddress } as never }),
    ],
  },
}

function noIommu(effective: readonly string[], process: Said['process'] = {}): Said {
  return {
    environment: { pciDevices: [vf(vfAddress, { noIommu: true })] },
    process: { capabilities: capabilities(effective), ...process },
  }
}

/** Not in a pod. */
const host = { pod: { kubernetes: false }, kernel: { containerRuntime: null } } as const
const container = { pod: { kubernetes: false }, kernel: { containerRuntime: 'docker' } } as const

const kernelPath: readonly Row[] = [
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
    'vhost with two memory regions',
    { kernel: { vhost: { maxMemRegions: 2 } } },
    'vhost-memory-regions',
    'warning',
    /max_mem_regions=64/,
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

const taps: readonly Row[] = [
  [
    'no tap at all',
    { environment: { netdevs: [netdev('eth0')] } },
    'tap-none',
    'note',
    /"type": "tap", "multiQueue": true/,
  ],
  [
    'no tap, and a rule to the kernel',
    {
      environment: { netdevs: [netdev('eth0')] },
      settings: { rules: '[{ name: bgp, match: "tcp port 179", to: kernel }]' },
    },
    'tap-none',
    'warning',
    /for rules bgp/,
  ],
  [
    'a tap that is not there',
    { settings: { ports: '[{ exception: { tap: dp0 } }]' } },
    'tap-missing',
    'error',
    /the pod's taps are ext0.*exception\.tap: ext0/,
  ],
  [
    'a tap that is not there in a pod without taps',
    { settings: { ports: '[{ exception: { tap: dp0 } }]' }, environment: { netdevs: [netdev('eth0')] } },
    'tap-missing',
    'error',
    /no entry of that interface name.*"interface": "dp0"/,
  ],
  [
    'a tap that the pod asked for in vain',
    {
      settings: { ports: '[{ exception: { tap: dp0 } }]' },
      pod: { requested: [{ network: 'test/tap-one', netdev: 'dp0', mac: null, ips: [] }] },
    },
    'tap-missing',
    'error',
    /its plugin failed/,
  ],
  [
    'a veth in place of the tap',
    {
      settings: { ports: '[{ exception: { tap: eth0 } }]' },
      environment: { netdevs: [netdev('eth0', { kind: 'veth' })] },
    },
    'tap-not-a-tap',
    'error',
    /kind veth/,
  ],
  [
    'the tap of another user',
    { environment: { netdevs: [theTap({ owner: 2005 })] } },
    'tap-owner',
    'error',
    /owner 2005.*uid 1001.*"owner": 1001/,
  ],
  [
    'the tap of another user of a plain machine',
    { ...host, environment: { netdevs: [theTap({ owner: 2005 })] } },
    'tap-owner',
    'error',
    /made for another user by hand .* mode tap multi_queue user 1001;.* or run Spillway as uid 2005$/,
  ],
  [
    'the tap of another group',
    { environment: { netdevs: [theTap({ owner: 1001, group: 0 })] } },
    'tap-group',
    'error',
    /group 0, owner 1001.*"group": 1001/,
  ],
  [
    'the tap of another group of a plain machine',
    { ...host, environment: { netdevs: [theTap({ owner: 1001, group: 5, multiQueue: false })] } },
    'tap-group',
    'error',
    /ip tuntap add dev ext0 mode tap user 1001;.* or run Spillway in group 5$/,
  ],
  [
    'the tap of another group in a container of docker',
    { ...container, environment: { netdevs: [theTap({ owner: 1001, group: 5 })] } },
    'tap-group',
    'error',
    /or container: --group-add 5$/,
  ],
  [
    'two queues on a single-queue tap',
    { settings: twoQueues, environment: { netdevs: [theTap({ multiQueue: false })] } },
    'tap-queues',
    'error',
    /"multiQueue": true.*queues: 1/,
  ],
  [
    'two queues on a single-queue tap of a plain machine',
    { ...host, settings: twoQueues, environment: { netdevs: [theTap({ multiQueue: false })] } },
    'tap-queues',
    'error',
    /single queue.*ip tuntap add dev ext0 mode tap multi_queue user 1001.*queues: 1$/,
  ],
  [
    'a tap in a network namespace that sysfs does not show',
    { environment: { netdevs: [netdev('ext0', { kind: 'unknown' })] } },
    'tap-ok',
    'ok',
    /says no more/,
  ],
  [
    'a tap that somebody holds',
    { environment: { netdevs: [{ ...theTap(), carrier: true }] } },
    'tap-in-use',
    'warning',
    /multi-queue: both would get a share/,
  ],
  [
    'a tap with one queue that somebody holds',
    { environment: { netdevs: [{ ...theTap({ multiQueue: false }), carrier: true }] } },
    'tap-in-use',
    'error',
    /single queue: attaching gives EBUSY/,
  ],
  [
    'a MAC that another program changed',
    { environment: { netdevs: [{ ...theTap(), mac: '02:00:00:00:00:99' }] } },
    'tap-mac-drift',
    'warning',
    /without mac=/,
  ],
  [
    'a MAC that Spillway changed',
    { pod: { status: [vfStatus(), tapStatus({ mac: '02:00:00:00:00:77' })] } },
    'tap-mac-drift',
    'note',
    /gave the tap the VF's MAC/,
  ],
  [
    'VF and tap with MACs of their own',
    { pod: { status: [vfStatus({ mac: '02:00:00:00:00:55' }), tapStatus()] } },
    'tap-mac-differs',
    'note',
    /"mac": "02:00:00:00:00:55".*tuning/,
  ],
  [
    'two taps in the other order',
    {
      settings: wantTap,
      environment: { netdevs: [theTap(), { ...tap('ext1'), mac: '02:00:00:00:00:55' }] },
      pod: { status: [vfStatus({ mac: '02:00:00:00:00:55' }), tapStatus()] },
    },
    'tap-swapped',
    'warning',
    /ext0, while ext1 has this MAC.*exception\.tap: ext1/,
  ],
  [
    'a MAC of the tap that was not taken',
    { pod: { requested: [{ network: 'test/tap-one', netdev: 'ext0', mac: '02:00:00:00:00:42', ips: [] }] } },
    'mac-request-ignored',
    'warning',
    /"type": "tuning"/,
  ],
  [
    'a MAC of the VF that was not taken',
    { pod: { requested: [{ network: 'test/sriov-network', netdev: 'net1', mac: '02:00:00:00:00:42', ips: [] }] } },
    'mac-request-ignored',
    'warning',
    /SriovNetwork sriov-network: spec\.capabilities/,
  ],
  [
    'a MAC that a tap with owner and group did not take',
    {
      environment: { netdevs: [theTap({ owner: 1001, group: 1001 })] },
      pod: { requested: [{ network: 'test/tap-one', netdev: 'ext0', mac: '02:00:00:00:00:42', ips: [] }] },
    },
    'mac-request-ignored',
    'warning',
    /the tap plugin ignores "mac" and "mtu"/,
  ],
  [
    'a MAC that changed while nobody knows that of the VF',
    { environment: { netdevs: [{ ...theTap(), mac: '02:00:00:00:00:99' }] }, pod: { status: [tapStatus()] } },
    'tap-mac-drift',
    'warning',
    /without mac=/,
  ],
  ['a tap that is down', { environment: { netdevs: [{ ...theTap(), up: false }] } }, 'tap-down', 'warning', /IFF_UP/],
  ['a tap without address', { environment: { netdevs: [tap('ext0')] } }, 'tap-no-address', 'note', /"ipam"/],
  [
    'a tap without address on a plain machine',
    { ...host, environment: { netdevs: [tap('ext0')] } },
    'tap-no-address',
    'note',
    /nobody gave it one by hand with NET_ADMIN: ip address add 192\.0\.2\.10\/24 dev ext0$/,
  ],
  [
    'a VLAN of the tap that lies elsewhere',
    { environment: { netdevs: [theTap(), netdev('ext0.100', { kind: 'vlan', parent: 'eth0' })] } },
    'tap-child-parent',
    'warning',
    /"linkInContainer": true, "master": "ext0"/,
  ],
  [
    'a VLAN of the tap that lies elsewhere, on a plain machine',
    { ...host, environment: { netdevs: [theTap(), netdev('ext0.100', { kind: 'vlan', parent: 'eth0' })] } },
    'tap-child-parent',
    'warning',
    /another netdev.*ip link add link ext0 name ext0\.100 type vlan id VLAN/,
  ],
  [
    'an MTU of the tap unlike that of the VF',
    { pod: { status: [vfStatus({ mtuBytes: 9000 }), tapStatus()] } },
    'mtu-mismatch',
    'warning',
    /9000 bytes, as network-status says of 0000:3b:02\.4.*"mtu": 9000/,
  ],
  [
    'an MTU of the tap unlike the settings',
    { settings: { ports: '[{ mtu: 9000 }]' } },
    'mtu-mismatch',
    'warning',
    /9000 bytes, as ports\[\]\.mtu of vf0 says/,
  ],
]

const devices: readonly Row[] = [
  [
    'a VF bound to a kernel driver',
    { environment: { pciDevices: [vf(vfAddress, { driver: 'iavf', netdevs: ['net1'] })] } },
    'vf-kernel-driver',
    'error',
    /iavf, with the netdev net1.*resourceName: sriovnic: spec\.deviceType: vfio-pci/,
  ],
  [
    'a VF without driver',
    { environment: { pciDevices: [vf(vfAddress, { driver: null })] } },
    'vf-no-driver',
    'error',
    /driverctl set-override 0000:3b:02\.4 vfio-pci/,
  ],
  [
    'a Mellanox VF without driver',
    mellanox({ environment: { pciDevices: [vf(vfAddress, { vendor: '15b3', driver: null })] } }),
    'vf-no-driver',
    'error',
    /mlx5_core.*isRdma: true/,
  ],
  [
    'a Mellanox VF on vfio-pci',
    { environment: { pciDevices: [vf(vfAddress, { vendor: '15b3' })] } },
    'vf-mellanox-on-vfio',
    'error',
    /resourceName: sriovnic: spec\.deviceType: netdevice, spec\.isRdma: true/,
  ],
  [
    'a VF on igb_uio',
    { environment: { pciDevices: [vf(vfAddress, { driver: 'igb_uio' })] } },
    'vf-uio',
    'error',
    /read-only in a pod/,
  ],
  ['a PF', { environment: { pciDevices: [vf(vfAddress, { role: 'pf' })] } }, 'vf-is-pf', 'warning', /numVfs/],
  [
    'a PF on a bare machine',
    { environment: { pciDevices: [vf(vfAddress, { role: 'pf' })] }, pod: { kubernetes: false } },
    'vf-is-pf',
    'note',
    /a PF.*sriov_numvfs/,
  ],
  [
    'a Broadcom VF',
    { environment: { pciDevices: [vf(vfAddress, { vendor: '14e4', device: '1806' })] } },
    'vf-broadcom',
    'note',
    /14e4:1806.*spec\.trust: "on"/,
  ],
  [
    'no VFIO container',
    { devices: { vfioContainer: missingDevice('/dev/vfio/vfio') } },
    'vfio-container-missing',
    'error',
    /deviceType: vfio-pci/,
  ],
  [
    'the VFIO container 0600',
    { devices: { vfioContainer: refused('/dev/vfio/vfio', 'EACCES', 0o600) } },
    'vfio-container-refused',
    'error',
    /MODE="0666"/,
  ],
  [
    'no VFIO group',
    { devices: { vfioGroups: [] } },
    'vfio-group-missing',
    'error',
    /the runtime did not put the node in/,
  ],
  [
    'the VFIO group of another VF',
    { devices: { vfioGroups: [{ ...refused('/dev/vfio/7', 'EACCES', 0o600), group: 7 }] } },
    'vfio-group-missing',
    'error',
    /only \/dev\/vfio\/7/,
  ],
  [
    'the VFIO group of gid 801',
    { devices: { vfioGroups: [{ ...refused('/dev/vfio/42', 'EACCES', 0o660, 0, 801), group: 42 }] } },
    'vfio-group-refused',
    'error',
    /not in group 801; with supplementalGroupsPolicy: Strict.*supplementalGroups: \[801\]/,
  ],
  [
    'the VFIO group of root',
    { devices: { vfioGroups: [{ ...refused('/dev/vfio/42', 'EACCES', 0o600), group: 42 }] } },
    'vfio-group-refused',
    'error',
    /device_ownership_from_security_context/,
  ],
  [
    'the VFIO group outside the device cgroup',
    { devices: { vfioGroups: [{ ...refused('/dev/vfio/42', 'EPERM', 0o666), group: 42 }] } },
    'vfio-group-refused',
    'error',
    /device cgroup \(EPERM\)/,
  ],
  [
    'an IOMMU group that is not viable',
    {
      environment: {
        pciDevices: [
          vf(vfAddress, {
            groupPeers: [
              { address: otherVfAddress, driver: 'iavf' },
              { address: '0000:00:01.0', driver: 'pcieport' },
            ],
          }),
        ],
      },
    },
    'vfio-group-not-viable',
    'error',
    /0000:3b:02\.5 is bound to iavf/,
  ],
  [
    'VFIO without IOMMU',
    { environment: { pciDevices: [vf(vfAddress, { noIommu: true })] } },
    'vfio-noiommu',
    'error',
    /not rootless-capable.*no CAP_SYS_RAWIO, no CAP_SYS_ADMIN.*vIOMMU.*privileged pod/,
  ],
  [
    'VFIO without IOMMU and without physical addresses',
    { ...noIommu(['CAP_SYS_RAWIO', 'CAP_IPC_LOCK']), settings: { 'memory.pageSize': 'none' } },
    'vfio-noiommu',
    'error',
    /and no CAP_SYS_ADMIN, no hugepages/,
  ],
  [
    'VFIO without IOMMU in a privileged pod with a user namespace',
    noIommu(['CAP_SYS_RAWIO', 'CAP_SYS_ADMIN', 'CAP_IPC_LOCK'], { userNamespace: true }),
    'vfio-noiommu',
    'error',
    /and no CAP_SYS_RAWIO, no CAP_SYS_ADMIN/,
  ],
  [
    'VFIO without IOMMU in a privileged pod',
    noIommu(['CAP_SYS_RAWIO', 'CAP_SYS_ADMIN', 'CAP_IPC_LOCK']),
    'vfio-noiommu',
    'warning',
    /not rootless-capable.*may write to any memory/,
  ],
  [
    'a Mellanox VF without uverbs',
    mellanox({ devices: { infiniband: [] } }),
    'mellanox-uverbs-missing',
    'error',
    /uverbs4.*_INFO promises mlx5_4/,
  ],
  [
    'a Mellanox VF without isRdma',
    mellanox({ devices: { infiniband: [] }, environment: { devicePlugin: [resource(vfAddress)] } }),
    'mellanox-uverbs-missing',
    'error',
    /spec\.isRdma: true/,
  ],
  [
    'a Mellanox VF with the uverbs of another',
    mellanox({ devices: { infiniband: [usableDevice('/dev/infiniband/uverbs9')] } }),
    'mellanox-uverbs-missing',
    'error',
    /only \/dev\/infiniband\/uverbs9/,
  ],
  [
    'uverbs 0600',
    mellanox({ devices: { infiniband: [refused('/dev/infiniband/uverbs4', 'EACCES', 0o600)] } }),
    'mellanox-uverbs-refused',
    'error',
    /rdma-core/,
  ],
  [
    'a Mellanox VF without RDMA device',
    mellanox({ environment: { pciDevices: [vf(vfAddress, { vendor: '15b3', driver: 'mlx5_core' })] } }),
    'mellanox-rdma-missing',
    'warning',
    /rdma system set netns shared/,
  ],
  [
    'an MTU that mlx5 may not set',
    mellanox({
      settings: { ports: '[{ mtu: 9000 }]' },
      environment: { netdevs: [theTap(), netdev('net1', { mtuBytes: 1500 })] },
    }),
    'mellanox-mtu',
    'warning',
    /resourceName: sriovnic: spec\.mtu: 9000/,
  ],
  [
    'a Mellanox VF whose netdev is down',
    mellanox({ environment: { netdevs: [theTap(), netdev('net1', { up: false })] } }),
    'mellanox-netdev-down',
    'warning',
    /linkState/,
  ],
  [
    "an address of the tap's subnet at a bifurcated VF",
    mellanox({ environment: { netdevs: [theTap(), netdev('net1', { addresses: ['192.0.2.20/24'] })] } }),
    'bifurcated-netdev-address',
    'warning',
    /192\.0\.2\.20\/24 at net1.*remove spec\.ipam/,
  ],
  [
    'one of two addresses in one of two subnets of the tap',
    mellanox({
      environment: {
        netdevs: [
          { ...theTap(), addresses: ['198.51.100.1/24', '192.0.2.10/24'] },
          netdev('net1', { addresses: ['203.0.113.1/24', '192.0.2.20/24'] }),
        ],
      },
    }),
    'bifurcated-netdev-address',
    'warning',
    /192\.0\.2\.20\/24 at net1.*SriovNetwork sriov-network: remove spec\.ipam/,
  ],
  [
    "a route into the tap's subnet at a bifurcated VF",
    mellanox({ environment: { netdevs: [theTap(), netdev('net1', { routes: ['192.0.0.0/16'] })] } }),
    'bifurcated-netdev-address',
    'warning',
    /192\.0\.0\.0\/16 at net1/,
  ],
  [
    'an IPv6 address on a VLAN of the tap and at a bifurcated VF',
    mellanox({
      environment: {
        netdevs: [
          tap('ext0'),
          netdev('ext0.7', { parent: 'ext0', addresses: ['2001:db8::7/64'] }),
          netdev('net1', { addresses: ['2001:db8::1/64'] }),
        ],
      },
    }),
    'bifurcated-netdev-address',
    'warning',
    /2001:db8::1\/64/,
  ],
  [
    'an address at a VF on vfio-pci',
    { pod: { status: [vfStatus({ ips: ['198.51.100.7'] }), tapStatus()] } },
    'vf-address-unused',
    'note',
    /198\.51\.100\.7 to net1/,
  ],
]

const kubernetes: readonly Row[] = [
  [
    'the VF of another container',
    otherContainer,
    'pcidevice-other-container',
    'warning',
    /a VF of this container \(app\).*its variables name 0000:3b:02\.4/,
  ],
  [
    'a pod with more VFs than this container',
    otherContainer,
    'pcidevice-ambiguous',
    'note',
    /1 of the 2 VFs of the pod/,
  ],
  [
    'PCIDEVICE and network-status that disagree',
    { environment: { devicePlugin: [resource(otherVfAddress)], pciDevices: [vf(otherVfAddress)] } },
    'pcidevice-not-in-status',
    'warning',
    /network-status configured 0000:3b:02\.4.*now openshift\.io\/sriovnic/,
  ],
  [
    'a PCIDEVICE that sysfs does not show',
    { environment: { devicePlugin: [{ ...resource(vfAddress), addresses: [vfAddress, otherVfAddress] }] } },
    'pcidevice-absent',
    'warning',
    /0000:3b:02\.5 is not in/,
  ],
  [
    'a PCIDEVICE with other words',
    { environment: { devicePlugin: [{ ...resource(vfAddress), malformed: ['rese… (12 characters)'] }] } },
    'pcidevice-malformed',
    'warning',
    new RegExp(
      `rese… \\(12 characters\\).*if the pod spec sets it: remove ${variable} from env; if the device plugin did, .*ports\\[\\]\\.device`,
    ),
  ],
  [
    'an accelerator beside the VF',
    {
      environment: {
        devicePlugin: [resource(vfAddress), resource(otherVfAddress)],
        pciDevices: [vf(vfAddress), vf(otherVfAddress, { network: false, device: '0d5d' })],
      },
    },
    'pcidevice-not-network',
    'note',
    /8086:0d5d on vfio-pci, which is none/,
  ],
  [
    'a management VF beside the one for DPDK',
    {
      environment: {
        devicePlugin: [resource(vfAddress), resource(otherVfAddress)],
        pciDevices: [vf(vfAddress), vf(otherVfAddress, { driver: 'iavf', netdevs: ['eth0'] })],
      },
    },
    'pcidevice-kernel-netdev',
    'warning',
    /its netdev eth0 is in this pod.*none, if that is so/,
  ],
  [
    'an _INFO that is no JSON',
    { environment: { devicePlugin: [{ ...resource(vfAddress, null), infoProblem: 'not JSON' }] } },
    'pcidevice-info-unreadable',
    'note',
    /_INFO.*not JSON/,
  ],
  [
    'network-status without device-info',
    { pod: { status: [vfStatus({ device: null }), tapStatus()] } },
    'device-info-absent',
    'note',
    /old Multus/,
  ],
  ['no podnetinfo', { pod: { podnetinfo: false, status: null } }, 'podnetinfo-absent', 'note', /enableInjector: true/],
  [
    'a network-status that is late',
    { pod: { status: null, requested: [{ network: 'test/tap-one', netdev: 'ext0', mac: null, ips: [] }] } },
    'network-status-late',
    'warning',
    /the request \(test\/tap-one\), not the status.*waitMs/,
  ],
  [
    'annotations that cannot be read',
    { pod: { problems: ['network-status: not JSON'] } },
    'podnetinfo-malformed',
    'warning',
    /not JSON/,
  ],
  ['a pod of kata', { kernel: { containerRuntime: 'kata' } }, 'runtime-kata', 'warning', /runtimeClassName/],
  [
    'a pod with hostUsers: false',
    { process: { userNamespace: true } },
    'runtime-user-namespace',
    'note',
    /hostUsers: false/,
  ],
  [
    'a plan that exec cannot use in full',
    { plan: (plan) => ({ ...plan, program: { ...plan.program, missing: ['no MAC is known'] } }) },
    'program-incomplete',
    'note',
    /no MAC is known/,
  ],
  [
    'a device that nobody gave',
    { environment: { devicePlugin: [] } },
    'device-missing',
    'error',
    /PCIDEVICE_… variable.*requests no resource.*resources\.limits/,
  ],
  [
    'a device that nobody gave, on a machine',
    { environment: { devicePlugin: [] }, pod: { kubernetes: false }, kernel: { containerRuntime: null } },
    'device-missing',
    'error',
    /the configuration names none.*net_af_packet0/,
  ],
  [
    'more ports than devices',
    { settings: { ports: '[{ name: a }, { name: b }]' } },
    'device-missing',
    'error',
    /port b .*no further .*openshift\.io\/sriovnic in this container, 2 in all/,
  ],
  [
    'an address of another node',
    { settings: { ports: `[{ device: "${otherVfAddress}" }]` } },
    'device-missing',
    'error',
    /0000:3b:02\.5.*another node.*ports\[\]\.device: auto/,
  ],
  [
    'a netdev that is not there',
    { settings: { ports: '[{ device: "net_af_packet0,iface=net7" }]' } },
    'device-missing',
    'error',
    /the netdev net7.*no netdev of that name.*NETWORK@net7/,
  ],
  [
    'a CPU that the pod has not',
    { settings: { lcores: '99' } },
    'plan-refused',
    'error',
    /CPU.*a CPU was asked for that this process may not use/,
  ],
]

const memory: readonly Row[] = [
  [
    'no hugepages',
    { environment: { hugepages: [hugepages('2Mi', 0)] } },
    'hugepages-none',
    'warning',
    /PerformanceProfile: spec\.hugepages\.pages: \[\{size: 2M/,
  ],
  [
    'no hugepages where the settings insist',
    { environment: { hugepages: [hugepages('2Mi', 0)] }, settings: { 'memory.pageSize': '2Mi' } },
    'hugepages-none',
    'error',
    /hugepages of 2Mi/,
  ],
  [
    'a hugetlb cgroup that is too small',
    { environment: { hugepages: [pages('2Mi', 512, { limit: 4 })] } },
    'hugepages-cgroup-limit',
    'warning',
    /limit is 8 MiB.*hugepages-2Mi: \d+Mi/,
  ],
  [
    'a pod that requests no hugepages',
    { environment: { hugepages: [pages('2Mi', 512, { limit: 0 })] } },
    'hugepages-cgroup-limit',
    'warning',
    /requests no hugepages-2Mi/,
  ],
  [
    'hugepages that others hold',
    { environment: { hugepages: [{ ...hugepages('2Mi', 512, 3) }] } },
    'hugepages-in-use',
    'warning',
    /leftover files/,
  ],
  [
    '1Gi asked, 2Mi there',
    {
      environment: { hugepages: [hugepages('2Mi', 512), hugepages('1Gi', 0)] },
      settings: { 'memory.pageSize': '1Gi' },
    },
    'hugepages-other-size',
    'error',
    /hugepages of 2Mi, and memory\.pageSize asks for 1Gi.*pageSize: 2Mi/,
  ],
  [
    'a limit that only the downward API shows',
    {
      environment: { hugepages: [pages('2Mi', 512, { limit: null })] },
      pod: { hugepages: [{ container: 'app', size: '2Mi', kind: 'limit', mib: 16 }] },
    },
    'hugepages-over-pod-limit',
    'warning',
    /limit of 16 MiB for container app/,
  ],
  [
    'a program of exec with more than that limit',
    {
      environment: { hugepages: [pages('2Mi', 512, { limit: null })] },
      pod: { hugepages: [{ container: 'app', size: '2Mi', kind: 'limit', mib: 600 }] },
      plan: (plan) => ({ ...plan, program: { ...plan.program, memory: { pageSize: '2Mi', mib: 1022 } } }),
    },
    'hugepages-over-pod-limit',
    'warning',
    /1022 MiB for the program of exec.*limit of 600 MiB/,
  ],
  [
    'the last page of the pod',
    { plan: (plan) => ({ ...plan, memory: { ...plan.memory, pageSize: '2Mi', mib: 1024 } }) },
    'hugepages-no-headroom',
    'note',
    /hugepages-2Mi: 1026Mi/,
  ],
  [
    'a hugetlbfs of root',
    { environment: { hugetlbMounts: [mount({ writable: false })] } },
    'hugetlb-mount-not-writable',
    'note',
    /0755 0:0.*fsGroup: 1001/,
  ],
  [
    'a hugetlbfs of root on a plain machine',
    { ...host, environment: { hugetlbMounts: [mount({ writable: false })] } },
    'hugetlb-mount-not-writable',
    'note',
    /mounted for root.*-o uid=1001,gid=1001,mode=0700,pagesize=2M none FOLDER; or --in-memory/,
  ],
  [
    'a hugetlbfs of root, of unknown size, in a container of docker',
    { ...container, environment: { hugetlbMounts: [mount({ writable: false, pageSize: null })] } },
    'hugetlb-mount-not-writable',
    'note',
    /mode=0700 none FOLDER, and container: -v FOLDER:\/mnt\/huge;/,
  ],
  [
    'files of a killed DPDK program on a plain machine',
    { ...host, environment: { hugetlbMounts: [mount({ leftovers: 12 })] } },
    'hugetlb-leftovers',
    'warning',
    /such files outlive their program/,
  ],
  [
    'files of a killed DPDK program',
    { environment: { hugetlbMounts: [mount({ leftovers: 12 })] } },
    'hugetlb-leftovers',
    'warning',
    /12 files.*rm \/mnt\/huge/,
  ],
  [
    'two sizes and one mount',
    {
      environment: { hugetlbMounts: [mount({})] },
      pod: {
        hugepages: [
          { container: 'app', size: '2Mi', kind: 'limit', mib: 64 },
          { container: 'app', size: '1Gi', kind: 'limit', mib: 1024 },
        ],
      },
    },
    'hugetlb-mount-one-for-two',
    'note',
    /medium: HugePages-1Gi/,
  ],
  [
    'a memory limit below the data plane',
    { environment: { memoryLimitBytes: 64 * 2 ** 20 }, settings: { 'memory.pageSize': 'none' } },
    'memory-limit',
    'warning',
    /64 MiB.*resources\.limits\.memory/,
  ],
  [
    'a memory limit below the data plane in a container of docker',
    { ...container, environment: { memoryLimitBytes: 64 * 2 ** 20 }, settings: { 'memory.pageSize': 'none' } },
    'memory-limit',
    'warning',
    /container: --memory \d+m$/,
  ],
  [
    'a memory limit below the data plane of a systemd unit',
    { ...host, environment: { memoryLimitBytes: 64 * 2 ** 20 }, settings: { 'memory.pageSize': 'none' } },
    'memory-limit',
    'warning',
    /systemd: MemoryMax=\d+M$/,
  ],
  [
    'fewer descriptors than pages',
    { process: { openFiles: 64 } },
    'open-files-limit',
    'error',
    /RLIMIT_NOFILE.*nofile=65536/,
  ],
  [
    'memlock 64 KiB, a vfio VF and no IPC_LOCK',
    { process: { ...noCapability, memlockBytes: 64 * 1024 } },
    'memlock-refused',
    'error',
    /not even the first page: the VF is refused.*64 KiB.*add: \[IPC_LOCK\].*default_ulimits/,
  ],
  [
    'memlock 8 MiB, a Mellanox VF and no IPC_LOCK',
    mellanox({ process: { capabilities: capabilities(['CAP_NET_RAW']) } }),
    'memlock-refused',
    'error',
    /RDMA registers \d+ MiB, and a limit of 8 MiB refuses that/,
  ],
  [
    'IPC_LOCK in a user namespace',
    { process: { userNamespace: true } },
    'memlock-partial',
    'error',
    /counts for nothing here.*hostUsers: true/,
  ],
  [
    'memlock 8 MiB, a vfio VF and no IPC_LOCK',
    { process: { ...noCapability, memlockBytes: 8 * 2 ** 20 } },
    'memlock-partial',
    'error',
    /only the first pages: the VF is refused.*8 MiB/,
  ],
]

const privileges: readonly Row[] = [
  [
    'IPC_LOCK granted and lost below a shell',
    { process: { capabilities: capabilities([], ['CAP_IPC_LOCK']), noNewPrivs: true } },
    'capability-below-shell',
    'error',
    /NoNewPrivs 1.*command: \["spillway-launch", "run"\], not below sh -c; what you kubectl exec needs spillway-launch in front too/,
  ],
  [
    'IPC_LOCK of a container of docker, lost below a shell',
    { ...container, process: { capabilities: capabilities([], ['CAP_IPC_LOCK']), noNewPrivs: true } },
    'capability-below-shell',
    'error',
    /--security-opt no-new-privileges.*--entrypoint spillway-launch IMAGE run/,
  ],
  [
    'no_new_privs on a plain machine',
    { ...host, process: { capabilities: capabilities([], ['CAP_IPC_LOCK']), noNewPrivs: true } },
    'capability-below-shell',
    'error',
    /NoNewPrivileges= of a systemd unit.*systemd: AmbientCapabilities=CAP_IPC_LOCK;/,
  ],
  [
    'IPC_LOCK granted to a plain node',
    { process: { capabilities: capabilities([], ['CAP_IPC_LOCK']) } },
    'capability-not-raised',
    'error',
    /Kubernetes sets no ambient ones.*setcap cap_ipc_lock\+p on spillway-launch/,
  ],
  [
    'IPC_LOCK given to a plain node in a container of docker',
    { ...container, process: { capabilities: capabilities([], ['CAP_IPC_LOCK']) } },
    'capability-not-raised',
    'error',
    /container: --entrypoint spillway-launch IMAGE run; image, .* setcap cap_ipc_lock\+p on spillway-launch$/,
  ],
  [
    'a user of a plain machine',
    { ...host, process: { capabilities: capabilities([], ['CAP_IPC_LOCK']) } },
    'capability-not-raised',
    'error',
    /setpriv .* --inh-caps \+ipc_lock --ambient-caps \+ipc_lock spillway run; or systemd: AmbientCapabilities=CAP_IPC_LOCK$/,
  ],
  [
    'a Mellanox VF without NET_RAW',
    mellanox({ process: noCapability }),
    'net-raw-missing',
    'error',
    /raw queue pairs of mlx5.*add: \[NET_RAW\]/,
  ],
  [
    'a Mellanox VF without NET_RAW in a container of docker',
    mellanox({ ...container, process: noCapability }),
    'net-raw-missing',
    'error',
    /container: --cap-add NET_RAW;/,
  ],
  [
    'a Mellanox VF without NET_RAW below systemd',
    mellanox({ ...host, process: noCapability }),
    'net-raw-missing',
    'error',
    /systemd: CAP_NET_RAW in CapabilityBoundingSet=/,
  ],
  [
    'af_packet with NET_RAW alone',
    {
      settings: { ports: '[{ device: "net_af_packet0,iface=eth0" }]' },
      process: { capabilities: capabilities(['CAP_NET_RAW']) },
    },
    'net-admin-missing',
    'error',
    /port vf0 \(af_packet sets promiscuous mode\).*add: \[NET_ADMIN\]/,
  ],
  [
    'af_packet with NET_ADMIN granted and not effective',
    {
      settings: { ports: '[{ device: "net_af_packet0,iface=eth0" }]' },
      process: { capabilities: capabilities(['CAP_NET_RAW'], ['CAP_NET_RAW', 'CAP_NET_ADMIN']) },
    },
    'capability-not-raised',
    'error',
    /CAP_NET_ADMIN effective/,
  ],
  [
    'af_packet without NET_RAW',
    { settings: { ports: '[{ device: "net_af_packet0,iface=eth0" }]' } },
    'net-raw-missing',
    'error',
    /port vf0 \(af_packet\)/,
  ],
  [
    'a privileged pod',
    { process: { capabilities: capabilities(['CAP_IPC_LOCK', 'CAP_SYS_ADMIN']) } },
    'capabilities-more-than-needed',
    'note',
    /CAP_SYS_ADMIN.*privileged: false/,
  ],
  [
    'a privileged container of docker',
    { ...container, process: { capabilities: capabilities(['CAP_IPC_LOCK', 'CAP_SYS_ADMIN']) } },
    'capabilities-more-than-needed',
    'note',
    /container: --cap-drop ALL --cap-add IPC_LOCK in place of --privileged$/,
  ],
  [
    'node with file capabilities',
    { process: { secureExecution: true } },
    'node-at-secure',
    'warning',
    /AT_SECURE=1.*setcap -r on node/,
  ],
  ['a node that is not dumpable', { process: { dumpable: false } }, 'process-not-dumpable', 'note', /pagemap/],
  [
    'the seccomp filter of containerd',
    { process: { seccomp: 'filter' }, kernel: { containerRuntime: 'containerd' } },
    'mempolicy-in-doubt',
    'note',
    /add: \[SYS_NICE\]/,
  ],
  [
    'a read-only root without a runtime directory',
    {
      kernel: { rootReadOnly: true },
      runtimeDirectory: { writable: false, fallback: { path: '/tmp', writable: false } },
    },
    'runtime-directory-not-writable',
    'error',
    /readOnlyRootFilesystem: true.*RUNTIME_DIRECTORY/,
  ],
  [
    'neither a runtime directory nor a folder for temporary files',
    { runtimeDirectory: { path: '/var/run', writable: false, fallback: { path: '/scratch', writable: false } } },
    'runtime-directory-not-writable',
    'error',
    /\/var\/run \(EAL's default\) cannot be written by .*, and neither can \/scratch/,
  ],
  [
    'a /tmp that cannot be written, where TMPDIR can',
    { runtimeDirectory: { path: '/tmp', writable: false, fallback: { path: '/scratch', writable: true } } },
    'runtime-directory-not-writable',
    'warning',
    /; \/scratch serves instead/,
  ],
  [
    'another container that listens where we would',
    { environment: { listening: [{ address: '::', port: 9464 }] } },
    'http-in-use',
    'error',
    /HTTP at \[::\]:9464 .*listens at \[::\]:9464/,
  ],
  [
    'a program that listens for one address of those that we want',
    { environment: { listening: [{ address: '127.0.0.1', port: 9464 }] } },
    'http-in-use',
    'error',
    /listens at 127\.0\.0\.1:9464/,
  ],
  [
    'a program that may listen for IPv6 alone',
    { settings: { 'http.listen': '127.0.0.1:9464' }, environment: { listening: [{ address: '::', port: 9464 }] } },
    'http-in-use',
    'warning',
    /listens at \[::\]:9464/,
  ],
  [
    'a runtime directory of another user',
    { runtimeDirectory: { path: '/var/run', writable: false } },
    'runtime-directory-not-writable',
    'warning',
    /\/var\/run \(EAL's default\)/,
  ],
  [
    'a runtime directory with a long path',
    { runtimeDirectory: { path: `/run/${'x'.repeat(44)}` } },
    'runtime-directory-too-long',
    'warning',
    /at most 48 characters.*49 characters/,
  ],
  [
    'another EAL of our prefix',
    { runtimeDirectory: { prefixes: [{ prefix: 'spillway', alive: true }] } },
    'eal-prefix-duplicate',
    'warning',
    /--file-prefix=spillway/,
  ],
  [
    'another EAL of our prefix, which is a word of its own',
    {
      runtimeDirectory: { prefixes: [{ prefix: 'mine', alive: true }] },
      plan: (plan) => ({ ...plan, program: { ...plan.program, ealArgs: ['--file-prefix', 'mine'] } }),
    },
    'eal-prefix-duplicate',
    'warning',
    /--file-prefix=mine/,
  ],
  [
    'files of an EAL of our prefix',
    { runtimeDirectory: { prefixes: [{ prefix: 'spillway', alive: false }] } },
    'eal-prefix-leftover',
    'note',
    /rm -r \/tmp\/dpdk\/spillway/,
  ],
]

const cpus: readonly Row[] = [
  ['one CPU', { cpus: { allowed: [2] } }, 'cpu-one', 'warning', /resources\.limits\.cpu: "2"/],
  [
    'every CPU of the machine',
    { cpus: { allowed: [2, 3, 4, 5], online: [2, 3, 4, 5] } },
    'cpus-shared',
    'warning',
    /cpuManagerPolicy: static/,
  ],
  [
    'the shared pool of a node with the static CPU manager policy',
    { cpus: { shares: 1024 } },
    'cpus-shared',
    'warning',
    /4 are allowed, and the pod requested 1 CPUs \(1024 shares\).*cpuManagerPolicy: static/,
  ],
  [
    'load balancing switched off',
    { cpus: { loadBalancing: false } },
    'cpu-load-balancing-off',
    'note',
    /pins each housekeeping thread/,
  ],
  [
    'a quota with lcores that poll',
    { cpus: { quota: 4 }, settings: { idle: 'poll' } },
    'cpu-quota',
    'warning',
    /cpu-quota\.crio\.io: "disable"/,
  ],
  [
    'a quota with lcores that sleep',
    { cpus: { quota: 4 }, settings: { idle: 'ramp' } },
    'cpu-quota',
    'note',
    /CPU time of 4 for 4 allowed CPUs/,
  ],
  [
    'a quota of a container of docker',
    { ...container, cpus: { quota: 4 }, settings: { idle: 'poll' } },
    'cpu-quota',
    'warning',
    /option --cpus is a quota.*--cpuset-cpus LIST.*; or Spillway: idle: ramp$/,
  ],
  [
    'a quota of a systemd unit',
    { ...host, cpus: { quota: 4 }, settings: { idle: 'ramp' } },
    'cpu-quota',
    'note',
    /has CPUQuota=.*systemd: CPUQuota= \(empty\)/,
  ],
  [
    'a quota of a systemd unit that held us back',
    { ...host, cpus: { quota: 4, throttledPeriods: 17 } },
    'cpu-throttled',
    'warning',
    /systemd: CPUQuota= \(empty\)/,
  ],
  ['a quota that held us back', { cpus: { quota: 4, throttledPeriods: 17 } }, 'cpu-throttled', 'warning', /17 periods/],
  [
    'siblings that both poll',
    {
      cpus: {
        cores: [
          [2, 3],
          [4, 5],
        ],
      },
      settings: { lcores: '4,5' },
    },
    'smt-both-poll',
    'warning',
    /lcores: "4"/,
  ],
  [
    'a sibling of another pod',
    {
      cpus: {
        cores: [
          [2, 12],
          [3, 13],
          [4, 14],
          [5, 15],
        ],
        online: [0, 2, 3, 4, 5, 12, 13, 14, 15],
      },
    },
    'smt-sibling-foreign',
    'warning',
    /full-pcpus-only/,
  ],
  [
    'a core that polls and does the housekeeping',
    { cpus: { allowed: [2, 3], cores: [[2, 3]] } },
    'smt-sibling-housekeeping',
    'note',
    /cores that do both: 2-3/,
  ],
  [
    'a VF on another NUMA node than the CPUs',
    { environment: { pciDevices: [vf(vfAddress, { numaNode: 1 })] } },
    'numa-cpus',
    'warning',
    /on NUMA node 1, where 0000:3b:02\.4 is.*single-numa-node/,
  ],
  [
    "no hugepages on the VF's NUMA node",
    {
      environment: {
        hugepages: [
          {
            ...hugepages('2Mi', 512),
            nodes: [
              { numaNode: 0, total: 256, free: 0 },
              { numaNode: 1, total: 256, free: 256 },
            ],
          },
        ],
      },
    },
    'hugepages-other-node',
    'warning',
    /node 0: 0 MiB, node 1: 512 MiB/,
  ],
  ['CPUs of our own, where an exec lands too', {}, 'exec-on-polling-cpus', 'note', /exec_cpu_affinity/],
  [
    'an annotation that keeps execs on all CPUs',
    { pod: { runtimeAnnotations: { 'performance.openshift.io/exec-cpu-affinity': 'disable' } } },
    'exec-on-polling-cpus',
    'note',
    /remove the annotation/,
  ],
]

function mount(changes: { writable?: boolean; leftovers?: number; pageSize?: null }) {
  const owner = { mode: 0o755, uid: 0, gid: 0 }
  return { path: '/mnt/huge', pageSize: '2Mi' as const, owner, writable: true, leftovers: 0, ...changes }
}

/** The same where the settings insist, so that the plan has no way around. */
const insisted: readonly Row[] = [
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

export const causes: readonly Cause[] = [
  ...kernelPath,
  ...taps,
  ...devices,
  ...kubernetes,
  ...memory,
  ...privileges,
  ...cpus,
  ...insisted,
].map(cause)
