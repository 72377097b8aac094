import { afterEach, describe, expect, test } from 'vitest'
import { settledStatus } from '../../src/lab/settle.js'
import { labNetwork } from '../../src/lab/topology.js'
import { startTcp } from '../../src/lab/traffic-tcp.js'
import { eventually } from '../eventually.js'
import { noChecksumErrors, readChecksumErrors } from './checksum-errors.js'
import { askFrames, type Capture, captureFrames, sendFrames } from './frames.js'
import { alsoClose, closeLabs, failTest, type Lab, programs, readyLab } from './lab-fixture.js'
import { bare, type Cell, fromKernel, fromWire, jumboFromKernel, jumboFromWire, spoilt } from './offload-cells.js'

afterEach(closeLabs)

const { tap, vf, peer, tapV4, tapV6 } = labNetwork
/** A cable in the pod whose near end can nothing, so that the pod's kernel does all that is asked for itself. */
const [near, far] = ['plain0', 'plain1']
const everything = [
  'tx',
  'tso',
  'gso',
  'gro',
  'sg',
  'txvlan',
  'rxvlan',
  'tx-vlan-stag-hw-insert',
  'rx-vlan-stag-hw-parse',
]

async function capture(lab: Lab, where: 'pod' | 'peer', netdev: string): Promise<Capture> {
  const captured = await captureFrames(lab[where], netdev)
  alsoClose(() => captured.stop())
  return captured
}

async function layPlainCable({ pod }: Lab, mtu: number): Promise<void> {
  const lines = [
    `link add ${near} mtu ${mtu} type veth peer name ${far} mtu ${mtu}`,
    `link set ${near} addrgenmode none`,
    `link set ${far} addrgenmode none`,
    `link set ${near} up`,
    `link set ${far} up`,
  ]
  await pod.run(['ip', '-batch', '-'], `${lines.join('\n')}\n`)
  for (const end of [near, far])
    await pod.run(['ethtool', '-K', end, ...everything.flatMap((offload) => [offload, 'off'])])
}

/** What Linux itself makes of a cell. */
async function whatLinuxMakes(lab: Lab, plain: Capture, cell: Cell): Promise<readonly string[]> {
  const before = plain.frames.length
  await askFrames(lab.pod, near, [cell.asked])
  return eventually(`${cell.name}: Linux has sent it`, async () => {
    const made = plain.frames.slice(before)
    return made.length >= cell.frames ? made : undefined
  })
}

/** Sends every cell through the tap, and expects at the peer byte for byte what Linux sends itself. */
async function sendsLikeLinux(lab: Lab, cells: readonly Cell[], mtu: number): Promise<void> {
  await layPlainCable(lab, mtu)
  const plain = await capture(lab, 'pod', far)
  const wire = await capture(lab, 'peer', peer)
  for (const cell of cells.filter(({ ipv6 }) => lab.topology.ipv6 || !ipv6)) {
    const expected = await whatLinuxMakes(lab, plain, cell)
    const before = wire.frames.length
    await askFrames(lab.pod, tap, [cell.asked])
    const arrived = () => wire.frames.slice(before).filter((frame) => expected.includes(frame))
    await eventually(`${cell.name}: ${expected.length} frames arrive as Linux makes them`, async () =>
      arrived().length >= expected.length ? true : undefined,
    )
    expect(arrived(), cell.name).toEqual(expected)
  }
  expect(await readChecksumErrors(lab.peer)).toEqual(noChecksumErrors)
}

/** Sends every cell to the VF, and expects it at the tap byte for byte. */
async function arrivesUnchanged(lab: Lab, cells: readonly Cell[]): Promise<void> {
  const atTap = await capture(lab, 'pod', tap)
  for (const cell of cells.filter(({ ipv6 }) => lab.topology.ipv6 || !ipv6)) {
    const frame = bare(cell)
    await sendFrames(lab.peer, peer, [frame])
    await eventually(`${cell.name} arrives`, async () => (atTap.frames.includes(frame) ? true : undefined))
    expect(
      atTap.frames.filter((arrived) => arrived === frame),
      cell.name,
    ).toHaveLength(1)
  }
  expect(await readChecksumErrors(lab.pod)).toEqual(noChecksumErrors)
}

/** Everything to the kernel: tagged frames have no address that `local` knows. */
const everythingToKernel = { exceptionPath: { default: 'kernel' } }

/** af_packet takes no frame of more than 1514 bytes. */
async function jumboLab(): Promise<Lab> {
  return readyLab({
    prepare: async ({ pod, peer: other }) => {
      await pod.run(['ip', '-batch', '-'], `link set ${vf} mtu 9000\nlink set ${tap} mtu 9000\n`)
      await other.run(['ip', 'link', 'set', peer, 'mtu', '9000'])
    },
    settings: (settings) => ({
      ...settings,
      ...everythingToKernel,
      ports: [
        {
          name: vf,
          device: `net_pcap0,rx_iface_in=${vf},tx_iface=${vf}`,
          mtu: 9000,
          exception: { backend: 'tap', tap },
        },
      ],
    }),
  })
}

describe('offloads from the kernel', () => {
  test('are finished as Linux finishes them, byte for byte, with no bad checksum at the receiver', async () => {
    await sendsLikeLinux(await readyLab(), fromKernel, 1500)
  })

  test('are finished with jumbo frames too', async () => {
    await sendsLikeLinux(await jumboLab(), jumboFromKernel, 9000)
  })
})

describe('offloads to the kernel', () => {
  test('leave every frame as the wire brought it, with no bad checksum at the receiver', async () => {
    await arrivesUnchanged(
      await readyLab({ settings: (settings) => ({ ...settings, ...everythingToKernel }) }),
      fromWire,
    )
  })

  test('leave jumbo frames as the wire brought them', async () => {
    await arrivesUnchanged(await jumboLab(), jumboFromWire)
  })

  test('hand a bad checksum on as bad: the kernel counts it', async () => {
    const lab = await readyLab()
    const versions = lab.topology.ipv6 ? ([4, 6] as const) : ([4] as const)
    await sendFrames(
      lab.peer,
      peer,
      versions.flatMap((version) => [spoilt('tcp', version), spoilt('udp', version), spoilt('udp', version)]),
    )
    const counted = { ip: 0, tcp: versions.length, udp: 2, udp6: lab.topology.ipv6 ? 2 : 0 }
    await eventually('the kernel has counted all of them', async () => {
      const { tcp, udp, udp6 } = await readChecksumErrors(lab.pod)
      return tcp + udp + udp6 >= counted.tcp + counted.udp + counted.udp6 ? true : undefined
    })
    expect(await readChecksumErrors(lab.pod)).toEqual(counted)
  })
})

describe('bulk TCP of both directions at once', () => {
  test.each([
    ['with the offloads of the tap', true],
    ['without, one packet at a time', false],
  ])('arrives whole and with no bad checksum on either side, %s', async (_how, whole) => {
    const lab = await readyLab({
      settings: ({ ports, ...settings }) => ({
        ...settings,
        ports: (ports as readonly object[]).map((port) => ({ ...port, offloads: { tap: whole } })),
      }),
    })
    const addresses = lab.topology.ipv6 ? [tapV4, tapV6] : [tapV4]
    const tcp = await startTcp(lab, programs, { addresses, pauseMs: 0 }, failTest)
    alsoClose(() => tcp.stop())
    await eventually('eight transfers of 1 MiB over every address', async () =>
      addresses.every((address) => (tcp.count().byHost[address] ?? 0) >= 8) ? true : undefined,
    )
    expect(await tcp.stop()).toMatchObject({ failed: 0, lastFailure: null })
    expect(await readChecksumErrors(lab.pod)).toEqual(noChecksumErrors)
    expect(await readChecksumErrors(lab.peer)).toEqual(noChecksumErrors)
    const { totals } = (await settledStatus(lab.instance)).ports[0] ?? {}
    expect((totals?.injectedSegments ?? 0) > (totals?.injectedFrames ?? 0), 'the kernel left segmentation to us').toBe(
      whole,
    )
    expect((totals?.puntedMerged ?? 0) > 0, 'segments to the kernel are merged').toBe(whole)
  })
})
