import { describe, expect, it, test } from 'vitest'
import { passiveSections, probeSections } from '../../../../src/preflight/catalogue.js'
import { runChecks } from '../../../../src/preflight/run-checks.js'
import type { Finding } from '../../../../src/preflight/types.js'
import { netdev, refusedDevice, vf } from '../../plan/fixtures.js'
import { causes } from './causes.js'
import {
  capabilities,
  findingsOf,
  inputOf,
  mellanox,
  noCapability,
  pages,
  resource,
  theTap,
  vfAddress,
} from './fixtures.js'

const declarations = new Map(passiveSections.flatMap(({ codes }) => Object.entries(codes)))
const allText = ({ subject, needed, found, cause, remedy }: Finding) =>
  [subject, needed, found, cause, remedy].filter((line) => line !== null).join(' ')
const codesOf = (findings: readonly Finding[]) => findings.map(({ code }) => code)
const worse = (findings: readonly Finding[]) => findings.filter(({ level }) => level === 'error' || level === 'warning')

describe('a pod in which all is well', () => {
  test.each([
    ['with an Intel VF', {}],
    ['with a bifurcated Mellanox VF', mellanox()],
    ['with memlock unlimited and no capability', { process: { ...noCapability, memlockBytes: null } }],
  ])('%s gets neither warning nor error', (_, said) => {
    expect(worse(findingsOf(said))).toEqual([])
  })
})

describe('each cause is found', () => {
  test.each(causes)('$what: $code', ({ said, code, level, says }) => {
    const findings = findingsOf(said).filter((finding) => finding.code === code)
    expect(findings.map((finding) => finding.level)).toContain(level)
    expect(findings.map(allText).join('\n')).toMatch(says)
  })

  it('with words of this pod in every line, and a remedy wherever something is to be done', () => {
    for (const { said } of causes) {
      for (const finding of findingsOf(said)) {
        expect(allText(finding), finding.code).not.toMatch(/undefined|null|NaN|\[object|\s\s|ERR_/)
        if (finding.level === 'error' || finding.level === 'warning') {
          expect(finding, finding.code).toMatchObject({ cause: expect.any(String), remedy: expect.any(String) })
        }
      }
    }
  })

  it('with a code and a level that the catalogue has', () => {
    for (const { said } of causes) {
      for (const { code, level } of findingsOf(said)) expect(declarations.get(code)?.levels, code).toContain(level)
    }
  })
})

describe('the catalogue', () => {
  it('has no code that no test brings about', () => {
    const found = new Set([...causes, { said: {} }].flatMap(({ said }) => codesOf(findingsOf(said))))
    expect([...declarations.keys()].filter((code) => !found.has(code))).toEqual([])
  })

  it('has each level of each code in a test', () => {
    const found = new Set(causes.flatMap(({ said }) => findingsOf(said).map(({ code, level }) => `${code} ${level}`)))
    const declared = [...declarations].flatMap(([code, { levels }]) => levels.map((level) => `${code} ${level}`))
    expect(declared.filter((entry) => !entry.endsWith(' ok') && !found.has(entry))).toEqual([])
  })

  it('has each code once, in kebab-case', () => {
    const all = [...passiveSections, ...probeSections].flatMap(({ codes }) => Object.keys(codes))
    expect(new Set(all).size).toBe(all.length)
    expect(all.filter((code) => !/^[a-z0-9]+(-[a-z0-9]+)+$/.test(code))).toEqual([])
  })
})

describe('one cause is told once', () => {
  it('a problem of the plan is left to the check that explains it', () => {
    const said = { environment: { netdevs: [theTap({ owner: 2005 })] } }
    expect(inputOf(said).problems.map(({ code }) => code)).toEqual(['ERR_TAP_OWNER'])
    expect(codesOf(findingsOf(said).filter(({ level }) => level === 'error'))).toEqual(['tap-owner'])
  })

  it('a problem that no check explains keeps its own words', () => {
    const input = inputOf({ settings: { lcores: '99' } })
    const [problem] = input.problems
    const told = runChecks(input).find(({ code }) => code === 'plan-refused')
    expect(`${told?.subject}: need ${told?.needed}, but ${told?.found}`).toBe(problem?.message)
    expect(told?.remedy).toBe(problem?.hint)
  })

  it('no vhost-net on auto is a warning alone, since the plan goes by the tap', () => {
    const input = inputOf({ devices: { vhostNet: refusedDevice('/dev/vhost-net') } })
    expect(input.plan.ports[0]?.exception.backend).toBe('tap')
    expect(codesOf(worse(runChecks(input)))).toEqual(['vhost-net-mode'])
  })

  it('an IPC_LOCK that does not arrive is no matter of the memlock limit too', () => {
    const found = findingsOf({ process: { capabilities: capabilities([], ['CAP_IPC_LOCK']), noNewPrivs: true } })
    expect(codesOf(worse(found))).toEqual(['capability-below-shell'])
  })

  it('a missing tun says nothing of taps and vhost-net', () => {
    const found = findingsOf({
      devices: { tun: refusedDevice('/dev/net/tun'), vhostNet: refusedDevice('/dev/vhost-net') },
    })
    expect(codesOf(worse(found))).toEqual(['tun-refused'])
  })
})

describe('what is right is left alone', () => {
  const silent = (said: Parameters<typeof findingsOf>[0], code: string) =>
    expect(codesOf(findingsOf(said))).not.toContain(code)

  it('NET_ADMIN opens the tap of another user', () => {
    silent(
      {
        environment: { netdevs: [theTap({ owner: 2005, group: 5 })] },
        process: { capabilities: capabilities(['CAP_NET_ADMIN', 'CAP_IPC_LOCK']) },
      },
      'tap-owner',
    )
  })

  it('a supplementary group opens the tap of that group', () => {
    silent({ environment: { netdevs: [theTap({ group: 2001 })] }, process: { groups: [2001] } }, 'tap-group')
  })

  it('an address of another subnet at a bifurcated VF', () => {
    const net1 = netdev('net1', { addresses: ['198.51.100.1/24', 'fe80::1/64'], routes: ['0.0.0.0/0', 'ff00::/8'] })
    silent(mellanox({ environment: { netdevs: [theTap(), net1] } }), 'bifurcated-netdev-address')
  })

  it('SELinux that enforces with the boolean on', () => {
    silent({ kernel: { selinux: { enforcing: true, containerUseDevices: true } } }, 'selinux-boolean-off')
  })

  it('the seccomp filter of CRI-O, which allows the NUMA calls', () => {
    silent({ process: { seccomp: 'filter' } }, 'mempolicy-in-doubt')
  })

  it('free pages beyond the limit, where the limit is enough', () => {
    silent({ environment: { hugepages: [pages('2Mi', 4096, { limit: 512 })] } }, 'hugepages-cgroup-limit')
  })

  it('a netdev of another network with the subnet of a bifurcated VF', () => {
    const eth0 = netdev('eth0', { addresses: ['198.51.100.9/24'] })
    const net1 = netdev('net1', { addresses: ['198.51.100.1/24', 'no address', '1.2.3.4/99'] })
    silent(mellanox({ environment: { netdevs: [eth0, theTap(), net1] } }), 'bifurcated-netdev-address')
  })

  it('the hugepages of another container', () => {
    const theirs = { container: 'other', size: '2Mi' as const, kind: 'limit' as const, mib: 16 }
    silent(
      {
        environment: { hugepages: [pages('2Mi', 512, { limit: null })] },
        pod: { containerName: 'app', hugepages: [theirs] },
      },
      'hugepages-over-pod-limit',
    )
  })

  it('two page sizes with a mount each, or with none, and two sizes that are only requested', () => {
    const entry = (size: '2Mi' | '1Gi', kind: 'limit' | 'request') => ({ container: 'app', size, kind, mib: 64 })
    const mount = (pageSize: '2Mi' | '1Gi') => ({ path: '/x', pageSize, owner: null, writable: true, leftovers: 0 })
    const limits = [entry('2Mi', 'limit'), entry('1Gi', 'limit')]
    const requests = [entry('2Mi', 'request'), entry('1Gi', 'request')]
    const code = 'hugetlb-mount-one-for-two'
    silent({ environment: { hugetlbMounts: [mount('2Mi'), mount('1Gi')] }, pod: { hugepages: limits } }, code)
    silent({ pod: { hugepages: limits } }, code)
    silent({ environment: { hugetlbMounts: [mount('2Mi')] }, pod: { hugepages: requests } }, code)
  })

  it('an MTU that mlx5 has already, and one that NET_ADMIN may set', () => {
    const settings = { ports: '[{ mtu: 9000 }]' }
    const netdevs = [{ ...theTap(), mtuBytes: 9000 }, netdev('net1', { mtuBytes: 9000 })]
    silent(mellanox({ settings, environment: { netdevs } }), 'mellanox-mtu')
    const admin = { capabilities: capabilities(['CAP_NET_RAW', 'CAP_IPC_LOCK', 'CAP_NET_ADMIN']) }
    silent(mellanox({ settings, process: admin }), 'mellanox-mtu')
  })

  it('the memory regions of a vhost that no port uses', () => {
    const kernel = { vhost: { maxMemRegions: 1 } }
    silent({ kernel, settings: { ports: '[{ exception: { backend: none } }]' } }, 'vhost-memory-regions')
  })

  it('as many memory regions as EAL has lists of memory, of which it has one without hugepages', () => {
    silent({ kernel: { vhost: { maxMemRegions: 8 } } }, 'vhost-memory-regions')
    const without = { environment: { hugepages: [] }, settings: { memory: '{ pageSize: none }' } }
    silent({ ...without, kernel: { vhost: { maxMemRegions: 1 } } }, 'vhost-memory-regions')
  })

  it('vhost workers that are threads of ours, that the kernel does not tell of, or that no port has', () => {
    for (const release of ['6.4.0', '6.12.5-talos', '7.0.1', 'unknown'])
      silent({ kernel: { release } }, 'vhost-workers-host')
    const none = { ports: '[{ exception: { backend: none } }]' }
    silent({ kernel: { release: '6.1.0' }, settings: none }, 'vhost-workers-host')
  })

  it('a variant driver of vfio-pci', () => {
    silent({ environment: { pciDevices: [vf(vfAddress, { driver: 'ice_vfio_pci' })] } }, 'vf-kernel-driver')
  })

  it('a VFIO group that sysfs does not name, where there are groups', () => {
    const environment = { pciDevices: [vf(vfAddress, { iommuGroup: null })], devicePlugin: [resource(vfAddress, null)] }
    silent({ environment }, 'vfio-group-missing')
  })

  it('a privileged pod that needs to be one, for VFIO without IOMMU', () => {
    const privileged = ['CAP_SYS_RAWIO', 'CAP_SYS_ADMIN', 'CAP_IPC_LOCK']
    const process = { capabilities: capabilities(privileged) }
    const said = { environment: { pciDevices: [vf(vfAddress, { noIommu: true })] }, process }
    silent(said, 'capabilities-more-than-needed')
    expect(codesOf(worse(findingsOf(said)))).toEqual(['vfio-noiommu'])
  })

  it('a bridge and an unbound device in the IOMMU group', () => {
    const groupPeers = [
      { address: '0000:3a:00.0', driver: 'pcieport' },
      { address: '0000:3b:02.6', driver: null },
    ]
    silent({ environment: { pciDevices: [vf(vfAddress, { groupPeers })] } }, 'vfio-group-not-viable')
  })
})
