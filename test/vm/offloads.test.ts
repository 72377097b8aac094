import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { ethernet, finished, ipv4, protocols, tcp, udp } from '../../scripts/fuzz/frame-bytes.mjs'
import { expectAccounted } from '../accounted.js'
import { eventually } from '../eventually.js'
import { type ChecksumErrors, parseChecksumErrors } from '../lab/checksum-errors.js'
import { type Instance, type Namespace, Pod, podNetwork } from './pod.js'
import { sendFrames, transfer } from './traffic.js'

const { tap, peer, tapV4, tapV6 } = podNetwork
const vlanV4 = '10.0.10.1'
const vlanV6 = 'fd00:10::1'

/** How the kernel, Spillway and the VF share the work, by backend: every way must carry the same bytes. */
const ways = [
  ['vhost-net', { tap: true }],
  ['vhost-net', { tap: true, tso: true, rxChecksum: true }],
  ['vhost-net', { tap: false }],
  ['tap', { tap: true, tso: true, rxChecksum: true }],
] as const

describe('offloads between kernel, Spillway and a VF', () => {
  let pod: Pod
  let instance: Instance | undefined

  beforeAll(async () => {
    pod = await Pod.boot()
    await pod.ip(
      'pod',
      `link add link ${tap} name ${tap}.10 type vlan id 10`,
      `addr add ${vlanV4}/24 dev ${tap}.10`,
      `addr add ${vlanV6}/64 dev ${tap}.10 nodad`,
      `link set ${tap}.10 up`,
    )
    await pod.ip(
      'peer',
      `link add link ${peer} name ${peer}.10 type vlan id 10`,
      `addr add 10.0.10.9/24 dev ${peer}.10`,
      `addr add fd00:10::9/64 dev ${peer}.10 nodad`,
      `link set ${peer}.10 up`,
    )
  })
  afterAll(async () => {
    await pod?.close()
  })
  afterEach(async () => {
    await instance?.end()
    instance = undefined
  })

  async function start(backend: string, offloads: object): Promise<Instance> {
    instance = await pod.ready({ settings: { ports: [{ exception: { backend }, offloads }] } })
    return instance
  }

  async function checksumErrors(namespace: Namespace): Promise<ChecksumErrors> {
    const read = (name: string): Promise<string> => pod.run(namespace, ['cat', `/proc/net/${name}`])
    return parseChecksumErrors(await read('snmp'), await read('snmp6'))
  }

  test.each(ways)('TCP of both IP versions, also in a VLAN, arrives whole: %s, %o', async (backend, offloads) => {
    const before = { pod: await checksumErrors('pod'), peer: await checksumErrors('peer') }
    const spillway = await start(backend, offloads)
    const addresses = [tapV4, tapV6, vlanV4, vlanV6]
    for (const address of addresses)
      await eventually(`${address} answers`, async () => (await pod.ping('peer', address, 1)).received === 1)
    const reports = await transfer(pod, 'pod', ...addresses)
    expect(reports.map(({ type, direction, host }) => [type, direction, host])).toEqual(
      addresses.flatMap((address) => [
        ['transferred', 'download', address],
        ['transferred', 'upload', address],
      ]),
    )
    expect({ pod: await checksumErrors('pod'), peer: await checksumErrors('peer') }).toEqual(before)
    const totals = await spillway.settledTotals()
    expect(totals.injectedSegments > totals.injectedFrames, 'the kernel left segmentation to us').toBe(offloads.tap)
    expect(totals.puntedMerged > 0, 'segments to the kernel are merged').toBe(offloads.tap)
    expect(await spillway.get('/api/v1/checks'), 'the VF can all of it').not.toContain('offload-missing')
    expectAccounted(totals)
  })

  test('a checksum that the VF finds wrong is for the kernel to count', async () => {
    const before = await checksumErrors('pod')
    await start('vhost-net', { rxChecksum: true })
    await sendFrames(pod, [spoilt('tcp'), spoilt('udp'), spoilt('udp')])
    const counted = { ...before, tcp: before.tcp + 1, udp: before.udp + 2 }
    await eventually('the kernel has counted them', async () => {
      const { tcp: ofTcp, udp: ofUdp } = await checksumErrors('pod')
      return ofTcp + ofUdp >= counted.tcp + counted.udp
    })
    expect(await checksumErrors('pod')).toEqual(counted)
  })
})

const macOf = (text: string) => text.split(':').map((byte) => Number.parseInt(byte, 16))
const addressOf = (text: string) => text.split('.').map(Number)

/** To the tap, with a checksum that is wrong by one. */
function spoilt(protocol: 'tcp' | 'udp'): string {
  const ends = { source: addressOf(podNetwork.peerV4), destination: addressOf(tapV4) }
  const macs = { source: macOf(podNetwork.peerMac), destination: macOf(podNetwork.vfMac) }
  const data = [1, 2, 3, 4]
  const segment = protocol === 'tcp' ? tcp(data, { port: 9 }) : udp(9, data)
  const right = finished(ends, protocols[protocol], segment)
  const wrong = [...right.slice(0, -1), (right.at(-1) ?? 0) ^ 1]
  return Buffer.from(ethernet(macs, 0x0800, ipv4(ends, protocols[protocol], wrong))).toString('hex')
}
