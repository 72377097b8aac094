import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { type PortEvent, type PortFilters, type PortMtu, portEvent } from '../../../src/ipc/messages.js'
import { configureLogging } from '../../../src/log.js'
import type { Plan } from '../../../src/plan/types.js'
import type { Finding } from '../../../src/preflight/types.js'
import { PortWatch, runningChecks } from '../../../src/running/port-watch.js'
import { countRunning, withRunning } from '../../../src/running/with-running.js'
import { whileRunning } from '../metrics/fixtures.js'
import { fixturePlan } from '../supervisor/fixtures.js'

await configureLogging({ level: 'silent', format: 'json' })

const [plannedPort] = fixturePlan.ports
const [info] = whileRunning.view.info?.ports ?? []
if (plannedPort === undefined || info === undefined) throw new Error('the fixtures have a port')

const plan: Plan = {
  ...fixturePlan,
  ports: [{ ...plannedPort, exception: { ...plannedPort.exception, backend: 'tap', tap: 'ext0' } }],
}

const nothing = { told: 0, refused: 0, first: [], error: null }
const filters = (changes: Partial<PortFilters> = {}): PortFilters => ({
  kind: 'filters',
  port: 'vf0',
  multicast: { groups: 3, all: false, error: null },
  vlans: nothing,
  unicast: nothing,
  ...changes,
})
const mtu = (changes: Partial<PortMtu>): PortMtu => ({
  kind: 'mtu',
  port: 'vf0',
  mtuBytes: 1500,
  tapMtuBytes: 9000,
  limit: 'free',
  mostBytes: 0,
  error: null,
  ...changes,
})

/** What is found in the one port after these events, which are as a worker sends them. */
function found(events: readonly PortEvent[], driver = 'net_iavf'): readonly Finding[] {
  const watch = new PortWatch(plan)
  for (const event of events) watch.take(portEvent.parse(event))
  watch.adopt([{ ...(info as NonNullable<typeof info>), driver }])
  return watch.findings
}

const refused = (error: string) => ({ told: 2, refused: 1, first: ['00:00:5e:00:01:33'], error })

describe('a port that takes all it is told', () => {
  test('has no finding', () => {
    expect(found([filters(), mtu({ tapMtuBytes: 1500 })])).toEqual([])
  })

  test('is one where all multicast stands in for a list', () => {
    expect(found([filters({ multicast: { groups: 30, all: true, error: null } })])).toEqual([])
  })
})

describe('an offload that was asked for', () => {
  const wanting = (tso: boolean, rxChecksum: boolean): PortWatch => {
    const [port] = plan.ports
    if (port === undefined) throw new Error('the plan has a port')
    return new PortWatch({ ...plan, ports: [{ ...port, offloads: { ...port.offloads, tso, rxChecksum } }] })
  }
  const came = (watch: PortWatch, tso: boolean, rxChecksum: boolean): readonly Finding[] => {
    watch.adopt([{ ...(info as NonNullable<typeof info>), offloads: { tso, rxChecksum } }])
    return watch.findings
  }

  test('and that the device does not have is told, with who does the work', () => {
    expect(came(wanting(true, true), true, false)).toEqual([
      {
        code: 'offload-missing',
        level: 'note',
        subject: 'port vf0',
        needed: 'offloads.rxChecksum',
        found: expect.stringMatching(/net_iavf/),
        cause: expect.stringMatching(/the kernel checks every checksum itself/),
        remedy: expect.stringMatching(/nothing has to be done/),
      },
    ])
    expect(came(wanting(true, false), false, false)).toMatchObject([{ needed: 'offloads.tso' }])
  })

  test('is no finding where the device has it, or nobody asked', () => {
    expect(came(wanting(true, true), true, true)).toEqual([])
    expect(came(wanting(false, false), false, false)).toEqual([])
  })
})

describe('a refusal', () => {
  test('of multicast in every form is told with what it costs, and where trust is set', () => {
    expect(found([filters({ multicast: { groups: 40, all: false, error: 'EPERM' } })])).toEqual([
      {
        code: 'multicast-refused',
        level: 'warning',
        subject: 'port vf0',
        needed: '40 multicast groups of tap ext0, or all multicast',
        found: 'EPERM for both',
        cause: expect.stringMatching(/without trust/),
        remedy: expect.stringMatching(/^SriovNetwork: spec\.trust: "on"/),
      },
    ])
  })

  test('of VLANs names the first of them and the place where a VF gets a VLAN of its own', () => {
    const vlans = { told: 12, refused: 10, first: [1, 2, 3, 4, 5, 6, 7, 8], error: 'EINVAL' }
    expect(found([filters({ vlans })])).toMatchObject([
      {
        code: 'vlan-refused',
        found: '1, 2, 3, 4, 5, 6, 7, 8 and 2 more refused (EINVAL)',
        remedy: expect.stringMatching(/spec\.vlan: 0/),
      },
    ])
  })

  test.each([
    ['EPERM', 'net_iavf', /without trust/, /spec\.trust: "on" and spec\.spoofChk: "off"/],
    ['EIO', 'net_ixgbe_vf', /without trust/, /delete the pod/],
    ['EOPNOTSUPP', 'net_e1000_igb_vf', /net_e1000_igb_vf knows one address/, /without use_vmac/],
    ['ENOSPC', 'net_mlx5', /no place/, /a VF, of its own/],
  ])('of an address with %s on %s says why and what mends it', (error, driver, cause, remedy) => {
    expect(found([filters({ unicast: refused(error) })], driver)).toEqual([
      {
        code: 'mac-refused',
        level: 'warning',
        subject: 'port vf0',
        needed: '2 further addresses of tap ext0 (macvlan children, VRRP)',
        found: `00:00:5e:00:01:33 refused (${error})`,
        cause: expect.stringMatching(cause),
        remedy: expect.stringMatching(remedy),
      },
    ])
  })

  test('is over when the port takes all', () => {
    expect(found([filters({ unicast: refused('EPERM') }), filters()])).toEqual([])
  })
})

describe('further addresses that a VF takes', () => {
  const unicast = { told: 1, refused: 0, first: [], error: null }
  test('leave in doubt whether it may send from them, which only the node sees', () => {
    expect(found([filters({ unicast })])).toMatchObject([{ code: 'spoofchk-in-doubt', level: 'note' }])
  })

  test('are no doubt on what is no VF', () => {
    expect(found([filters({ unicast })], 'net_af_packet')).toEqual([])
  })
})

describe('an MTU of the tap', () => {
  test.each([
    [mtu({ limit: 'plan' }), /^ports\[\]\.mtu says so; .*inject_oversize/, /ports\[\]\.mtu: auto \(or 9000\)/],
    [mtu({ limit: 'device', mostBytes: 1500 }), /net_iavf can have 1500 at most/, /of ext0: "mtu": 1500/],
    [mtu({ limit: 'mbuf', mostBytes: 2022 }), /those of this start hold 2022/, /start Spillway again/],
    [mtu({ limit: 'refused', error: 'EINVAL' }), /refused it \(EINVAL\)/, /SriovNetworkNodePolicy: spec\.mtu: 9000/],
  ])('that the port cannot have is a warning with its reason: %o', (event, cause, remedy) => {
    expect(found([event])).toEqual([
      {
        code: 'mtu-mismatch',
        level: 'warning',
        subject: 'port vf0',
        needed: '9000 bytes, as tap ext0 has',
        found: '1500 bytes',
        cause: expect.stringMatching(cause),
        remedy: expect.stringMatching(remedy),
      },
    ])
  })

  test('that is shorter than the port is a note: nothing is lost', () => {
    expect(found([mtu({ tapMtuBytes: 1400 })])).toMatchObject([{ code: 'mtu-mismatch', level: 'note' }])
  })
})

describe('a device', () => {
  test('that was taken away is an error until it is back', () => {
    expect(found([{ kind: 'removed', port: 'vf0' }])).toMatchObject([{ code: 'device-removed', level: 'error' }])
    expect(
      found([
        { kind: 'removed', port: 'vf0' },
        { kind: 'returned', port: 'vf0' },
      ]),
    ).toEqual([])
  })

  test('with another address than its network was given tells that its PF is down', () => {
    const [port] = plan.ports
    const networked = { ...plan, ports: [{ ...port, network: 'test/sriov', mac: '02:00:00:00:00:10' }] } as Plan
    const watch = new PortWatch(networked)
    watch.adopt([info])
    expect(watch.findings).toMatchObject([
      { code: 'mac-mismatch', needed: '02:00:00:00:00:10, as network test/sriov has it', found: info.mac },
    ])
    watch.adopt([{ ...info, mac: '02:00:00:00:00:10' }])
    expect(watch.findings).toEqual([])
    // A guess from the tap, which takes the port's.
    const guessed = new PortWatch({ ...plan, ports: [{ ...port, mac: '02:00:00:00:00:10' }] } as Plan)
    guessed.adopt([info])
    expect(guessed.findings).toEqual([])
  })
})

describe('what is found while it runs', () => {
  const [finding] = found([mtu({ limit: 'plan' })])
  const atStart = [
    { ...finding, subject: 'tap ext0', level: 'warning' },
    { ...finding, code: 'cpu-quota' },
  ] as Finding[]

  test('takes the place of what the start said of the same, as long as there is a worker', () => {
    const findings = [finding] as Finding[]
    expect(withRunning(atStart, { worker: {}, findings }).map(({ code }) => code)).toEqual([
      'cpu-quota',
      'mtu-mismatch',
    ])
    expect(withRunning(atStart, { worker: null, findings: [] })).toEqual(atStart)
  })

  test('is counted by code and level, with a zero for what could be', () => {
    const counts = countRunning([finding] as Finding[])
    expect(counts.filter(({ value }) => value > 0)).toEqual([
      { labels: { code: 'mtu-mismatch', level: 'warning' }, value: 1 },
    ])
    expect(counts.length).toBeGreaterThan(6)
  })

  test('is forgotten with the worker that told it', () => {
    const watch = new PortWatch(plan)
    watch.take(mtu({ limit: 'plan' }))
    expect(watch.findings).toHaveLength(1)
    expect(watch.mtus).toEqual(new Map([['vf0', 1500]]))
    watch.reset()
    expect(watch.findings).toEqual([])
    expect(watch.mtus).toEqual(new Map())
  })

  test('has a code that docs/layer2.md, docs/vhost.md or docs/offloads.md explains', () => {
    const read = (name: string) => readFileSync(new URL(`../../../docs/${name}.md`, import.meta.url), 'utf8')
    const page = read('layer2') + read('vhost') + read('offloads')
    for (const { codes } of runningChecks) for (const code of Object.keys(codes)) expect(page).toContain(`\`${code}\``)
  })
})
