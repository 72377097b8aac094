import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { discoverEnvironment } from '../../../src/environment/discover.js'
import { SpillwayError } from '../../../src/errors.js'
import { discoverOn, onHost } from './made-host.js'

const hosts = new URL('../../fixtures/hosts/', import.meta.url).pathname
const names = readdirSync(hosts).filter((name) => existsSync(join(hosts, name, 'proc')))

const noNode = (path: string) => ({ path, owner: null, state: 'missing', error: 'ENOENT' })
const noCapabilities = { effective: [], permitted: [], inheritable: [], bounding: [], ambient: [] }

describe('discoverEnvironment', () => {
  it('refuses a folder that is no host', () => {
    expect(() => discoverEnvironment(join(hosts, 'nobody'))).toThrow(SpillwayError)
  })

  it('finds nothing where there is nothing', () => {
    expect(discoverOn({})).toEqual({
      cpus: {
        allowed: [0],
        online: [0],
        isolated: [],
        nohzFull: [],
        quota: null,
        shares: null,
        throttledPeriods: null,
        cgroupVersion: null,
        cgroupCpuset: null,
        loadBalancing: true,
        cores: [[0]],
        mixed: null,
      },
      numaNodes: [{ id: 0, cpus: [0] }],
      hugepages: [],
      hugetlbMounts: [],
      memoryLimitBytes: null,
      process: {
        uid: -1,
        gid: -1,
        groups: [],
        capabilities: noCapabilities,
        noNewPrivs: false,
        seccomp: 'unknown',
        memlockBytes: null,
        openFiles: null,
        secureExecution: false,
        dumpable: true,
        selinuxContext: null,
        userNamespace: false,
        launched: false,
      },
      kernel: {
        release: 'unknown',
        vhost: null,
        unsafeNoIommu: false,
        selinux: null,
        avcDenials: [],
        rootReadOnly: false,
        containerRuntime: null,
      },
      devices: {
        vhostNet: noNode('/dev/vhost-net'),
        tun: noNode('/dev/net/tun'),
        vfioContainer: noNode('/dev/vfio/vfio'),
        vfioGroups: [],
        infiniband: [],
      },
      netdevs: [],
      pciDevices: [],
      devicePlugin: [],
      pod: {
        kubernetes: false,
        containerName: null,
        podnetinfo: false,
        requested: null,
        status: null,
        runtimeAnnotations: {},
        problems: [],
        hugepages: [],
      },
      runtimeDirectory: {
        path: '/tmp',
        from: 'default',
        writable: false,
        fallback: { path: '/tmp', writable: false },
        prefixes: [],
      },
      listening: [],
    })
  })

  it('has a dozen pods to look at, each with a line saying what it stands for', () => {
    expect(names.length).toBeGreaterThanOrEqual(12)
    for (const name of names) expect(readFileSync(join(hosts, name, 'README.md'), 'utf8')).toMatch(/^\S.{20,}\n$/)
  })

  it.each(names)('reads %s', async (host) => {
    const environment = discoverEnvironment(join(hosts, host))
    await expect(`${JSON.stringify(environment, null, 2)}\n`).toMatchFileSnapshot(
      `../../golden/environment/${host}.json`,
    )
  })

  it.each(names)('says of %s only what JSON can carry', (host) => {
    const environment = discoverEnvironment(join(hosts, host))
    expect(JSON.parse(JSON.stringify(environment))).toEqual(environment)
  })

  it('reads this machine', () => {
    const { cpus, netdevs, process: self, hugepages } = discoverEnvironment()
    expect(cpus.allowed.length).toBeGreaterThan(0)
    expect(cpus.online).toEqual(expect.arrayContaining([...cpus.allowed]))
    expect(cpus.cores.flat().sort((a, b) => a - b)).toEqual(cpus.online)
    expect(netdevs.map(({ name }) => name)).toContain('lo')
    expect(self.uid).toBe(process.geteuid?.())
    expect(self.secureExecution).toBe(false)
    for (const { available, free, total } of hugepages) {
      expect(available).toBeLessThanOrEqual(free)
      expect(free).toBeLessThanOrEqual(total)
    }
  })

  it.each(['//', '/.', '/proc/..'])('takes %s for this machine too', (root) => {
    expect(discoverEnvironment(root).process).toEqual(discoverEnvironment('/').process)
  })

  it('refuses a table of owners that is none, and says how it looks', () => {
    const host = { stat: { '/dev/vhost-net': { mode: 'rw-rw----' } } }
    expect(() => onHost(host, (root) => discoverEnvironment(root))).toThrow(/\.stat\.json/)
  })
})
