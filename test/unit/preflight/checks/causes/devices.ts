import { missingDevice, netdev, tap, usableDevice, vf } from '../../../plan/fixtures.js'
import {
  capabilities,
  mellanox,
  otherVfAddress,
  refused,
  resource,
  type Said,
  tapStatus,
  theTap,
  vfAddress,
  vfStatus,
} from '../fixtures.js'
import type { Row } from './row.js'

function noIommu(effective: readonly string[], process: Said['process'] = {}): Said {
  return {
    environment: { pciDevices: [vf(vfAddress, { noIommu: true })] },
    process: { capabilities: capabilities(effective), ...process },
  }
}

export const devices: readonly Row[] = [
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
