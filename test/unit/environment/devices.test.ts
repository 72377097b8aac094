import { describe, expect, it } from 'vitest'
import { discoverEnvironment } from '../../../src/environment/discover.js'
import { discoverOn, type MadeHost } from './made-host.js'

const me = (uid: number, gid: number, groups: string) =>
  `Uid:\t${uid}\t${uid}\t${uid}\t${uid}\nGid:\t${gid}\t${gid}\t${gid}\t${gid}\nGroups:\t${groups}\nCpus_allowed_list:\t0\n`
const devicesOf = (stat: Record<string, unknown>, groups = '1001') =>
  discoverOn({ files: { 'proc/self/status': me(1001, 1001, groups) }, stat }).devices

describe('device nodes', () => {
  it('are usable or refused by mode, owner and groups', () => {
    const stat = { '/dev/vhost-net': { mode: '0660', gid: 36 }, '/dev/net/tun': { mode: '0666' } }
    expect(devicesOf(stat)).toMatchObject({
      vhostNet: { state: 'refused', error: 'EACCES', owner: { mode: 0o660, uid: 0, gid: 36 } },
      tun: { state: 'usable' },
    })
    expect(devicesOf(stat, '36 1001').vhostNet).toEqual({
      path: '/dev/vhost-net',
      owner: { mode: 0o660, uid: 0, gid: 36 },
      state: 'usable',
    })
  })

  it.each(['EPERM', 'ENODEV'])('that answer %s are refused whatever their mode says', (errno) => {
    expect(devicesOf({ '/dev/vhost-net': { mode: '0666', errno } }).vhostNet).toMatchObject({
      state: 'refused',
      error: errno,
    })
  })

  it('that are ordinary files are refused, as ioctl refuses them', () => {
    const stat = { '/dev/vhost-net': { mode: '0666', type: 'file' } }
    expect(devicesOf(stat).vhostNet).toMatchObject({ state: 'refused', error: 'ENOTTY' })
  })

  it('of VFIO are listed by number, the container apart', () => {
    const stat = {
      '/dev/vfio/vfio': { mode: '0666' },
      '/dev/vfio/162': { mode: '0660', gid: 801 },
      '/dev/vfio/9': { mode: '0600' },
      '/dev/vfio/noiommu-12': { mode: '0600' },
      '/dev/vfio/noiommu-x': { mode: '0600' },
    }
    const { vfioContainer, vfioGroups } = devicesOf(stat, '801')
    expect(vfioContainer.state).toBe('usable')
    expect(vfioGroups.map(({ group, path, state }) => [group, path, state])).toEqual([
      [9, '/dev/vfio/9', 'refused'],
      [12, '/dev/vfio/noiommu-12', 'refused'],
      [162, '/dev/vfio/162', 'usable'],
    ])
  })

  it('of this machine are opened, which a mode cannot replace', () => {
    const { tun } = discoverEnvironment().devices
    if (tun.state === 'missing') expect(tun.owner).toBeNull()
    else expect(tun.owner?.mode).toBeGreaterThan(0)
  })
})

describe('PCI devices', () => {
  const devices = 'sys/bus/pci/devices'
  const uevent = (address: string, id: string, pciClass = '20000', driver = '') => ({
    [`${devices}/${address}/uevent`]: `${driver === '' ? '' : `DRIVER=${driver}\n`}PCI_CLASS=${pciClass}\nPCI_ID=${id}\n`,
  })
  const [pf, vf, sibling] = ['0000:3b:00.0', '0000:3b:02.0', '0000:3b:02.1']
  const host: MadeHost = {
    env: { PCIDEVICE_X: vf },
    files: {
      ...uevent(pf, '8086:158B', '20000', 'i40e'),
      ...uevent(vf, '8086:154C', '20000', 'vfio-pci'),
      ...uevent(sibling, '8086:154C', '20000', 'iavf'),
      ...uevent('0000:5e:00.0', '144D:A80A', '10802', 'nvme'),
      [`${devices}/${pf}/sriov_totalvfs`]: '64\n',
      [`${devices}/${pf}/numa_node`]: '1\n',
      [`${devices}/${vf}/numa_node`]: '-1\n',
      [`${devices}/${vf}/net/net1/ifindex`]: '4\n',
      [`${devices}/${vf}/infiniband/mlx5_3/node_type`]: '1: CA\n',
      'sys/kernel/iommu_groups/42/name': 'vfio-noiommu\n',
    },
    links: {
      [`${devices}/${vf}/physfn`]: `../${pf}`,
      [`${devices}/${sibling}/physfn`]: `../${pf}`,
      [`${devices}/${vf}/iommu_group`]: '../../../../kernel/iommu_groups/42',
      [`sys/kernel/iommu_groups/42/devices/${vf}`]: `../../../../bus/pci/devices/${vf}`,
      [`sys/kernel/iommu_groups/42/devices/${sibling}`]: `../../../../bus/pci/devices/${sibling}`,
    },
  }
  const found = (address: string, made = host) =>
    discoverOn(made).pciDevices.find((device) => device.address === address)

  it('that were promised are looked at closely', () => {
    expect(found(vf)).toEqual({
      address: vf,
      vendor: '8086',
      device: '154c',
      driver: 'vfio-pci',
      network: true,
      numaNode: null,
      iommuGroup: 42,
      noIommu: true,
      groupPeers: [{ address: sibling, driver: 'iavf' }],
      role: 'vf',
      pf,
      netdevs: ['net1'],
      rdma: ['mlx5_3'],
    })
  })

  it('that nobody promised are known by ids and driver, those of networks by role and NUMA node too', () => {
    expect(found(pf)).toMatchObject({ driver: 'i40e', role: 'pf', numaNode: 1, iommuGroup: null })
    expect(found(sibling)).toMatchObject({ role: 'vf', pf: null })
    expect(found('0000:5e:00.0')).toMatchObject({ vendor: '144d', driver: 'nvme', network: false, role: 'other' })
  })

  it('of networks are all looked at closely where nothing was promised', () => {
    expect(found(sibling, { ...host, env: {} })).toMatchObject({ role: 'vf', pf })
  })

  it('are looked at closely when network-status has them and no variable does', () => {
    const status = [{ name: 'n', 'device-info': { type: 'pci', pci: { 'pci-address': sibling } } }]
    const annotations = `k8s.v1.cni.cncf.io/network-status=${JSON.stringify(JSON.stringify(status))}\n`
    const files = { ...host.files, 'etc/podnetinfo/annotations': annotations }
    expect(found(sibling, { ...host, env: {}, files })?.pf).toBe(pf)
    expect(found(vf, { ...host, env: {}, files })?.pf).toBeNull()
  })

  it('are read without uevent, from vendor, device and the link of the driver', () => {
    const address = '0000:01:00.0'
    const made = {
      files: { [`${devices}/${address}/vendor`]: '0x15b3\n', [`${devices}/${address}/device`]: '0x101e\n' },
      links: { [`${devices}/${address}/driver`]: '../../drivers/mlx5_core' },
    }
    expect(found(address, made)).toMatchObject({ vendor: '15b3', device: '101e', driver: 'mlx5_core', network: null })
  })

  it('are nothing that is no address', () => {
    const made = { files: { [`${devices}/junk/uevent`]: 'PCI_ID=1:2' } }
    expect(discoverOn(made).pciDevices).toEqual([])
  })
})
