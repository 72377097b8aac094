import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { discoverEnvironment } from '../../../src/environment/discover.js'
import { discoverDevicePlugin } from '../../../src/environment/pci.js'
import { nameCapabilities } from '../../../src/environment/process.js'
import { SpillwayError } from '../../../src/errors.js'

const hosts = new URL('../../fixtures/hosts/', import.meta.url).pathname

/** What is discovered on a host with just these files. */
function discoverOn(files: Record<string, string>) {
  const root = mkdtempSync(join(tmpdir(), 'spillway-host-'))
  try {
    for (const [path, text] of Object.entries({ 'proc/self/status': 'Cpus_allowed_list:\t0\n', ...files })) {
      mkdirSync(dirname(join(root, path)), { recursive: true })
      writeFileSync(join(root, path), text)
    }
    return discoverEnvironment(root)
  } finally {
    rmSync(root, { recursive: true })
  }
}

describe('discoverEnvironment', () => {
  it('refuses a folder that is no host', () => {
    expect(() => discoverEnvironment(join(hosts, 'nobody'))).toThrow(SpillwayError)
  })

  it('finds nothing where there is nothing', () => {
    expect(discoverOn({})).toEqual({
      cpus: { allowed: [0], online: [0], isolated: [], quota: null },
      numaNodes: 1,
      hugepages: [],
      process: { uid: -1, gid: -1, capabilities: [] },
      kernelRelease: 'unknown',
      devices: {
        vhostNet: { path: '/dev/vhost-net', state: 'missing', error: 'ENOENT' },
        tun: { path: '/dev/net/tun', state: 'missing', error: 'ENOENT' },
      },
      netdevs: [],
      pciDevices: [],
      devicePlugin: [],
      runtimeDirectory: '/tmp',
    })
  })

  it.each(['openshift-pod', 'two-vf-gateway', 'laptop', 'bare-container', 'arm64-64k'])('reads %s', async (host) => {
    const environment = discoverEnvironment(join(hosts, host))
    await expect(`${JSON.stringify(environment, null, 2)}\n`).toMatchFileSnapshot(
      `../../golden/environment/${host}.json`,
    )
  })

  it('reads this machine', () => {
    const { cpus, netdevs, process: self } = discoverEnvironment()
    expect(cpus.allowed.length).toBeGreaterThan(0)
    expect(cpus.online).toEqual(expect.arrayContaining([...cpus.allowed]))
    expect(netdevs).toContain('lo')
    expect(self.uid).toBe(process.geteuid?.())
  })

  it('counts no more free hugepages than the cgroup still allows', () => {
    const pages = 'sys/kernel/mm/hugepages/hugepages-2048kB'
    const files = { [`${pages}/nr_hugepages`]: '1024\n', [`${pages}/free_hugepages`]: '1000\n' }
    const free = (max: string) =>
      discoverOn({ ...files, 'sys/fs/cgroup/hugetlb.2MB.max': max, 'sys/fs/cgroup/hugetlb.2MB.current': '4194304\n' })
        .hugepages
    expect(free('max\n')).toEqual([{ size: '2Mi', total: 1024, free: 1000 }])
    expect(free('67108864\n')).toEqual([{ size: '2Mi', total: 1024, free: 30 }])
    expect(free('0\n')).toEqual([{ size: '2Mi', total: 1024, free: 0 }])
  })

  it.each([
    ['max 100000\n', null],
    ['250000 100000\n', 2.5],
    ['nonsense', null],
  ])('reads the CPU quota %j', (text, quota) => {
    expect(discoverOn({ 'sys/fs/cgroup/cpu.max': text }).cpus.quota).toBe(quota)
  })
})

describe('discoverDevicePlugin', () => {
  it('leaves out JSON, junk and what is no list', () => {
    const found = discoverDevicePlugin({
      'PCIDEVICE_X_DPDK-NIC': '0000:3B:02.4, 0000:3b:02.5,junk',
      PCIDEVICE_X_DPDK_INFO: '{"0000:3b:02.4": {}}',
      PCIDEVICE_EMPTY: '',
      OTHER: '0000:3b:02.6',
    })
    expect(found).toEqual([
      { variable: 'PCIDEVICE_EMPTY', addresses: [] },
      { variable: 'PCIDEVICE_X_DPDK-NIC', addresses: ['0000:3b:02.4', '0000:3b:02.5'] },
    ])
  })
})

describe('nameCapabilities', () => {
  it('names the bits', () => {
    expect(nameCapabilities('0000000000004000')).toEqual(['CAP_IPC_LOCK'])
    expect(nameCapabilities('0000000000003400')).toEqual(['CAP_NET_BIND_SERVICE', 'CAP_NET_ADMIN', 'CAP_NET_RAW'])
    expect(nameCapabilities('000001ffffffffff')).toHaveLength(41)
    expect(nameCapabilities('0')).toEqual([])
  })
})
