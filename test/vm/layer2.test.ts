import { afterAll, beforeAll, beforeEach, describe, expect, onTestFailed, test } from 'vitest'
import { giveDevices, makePeer, makeVfs } from '../../scripts/vm/pod.mjs'
import { eventually } from '../eventually.js'
import { type Instance, Pod, podNetwork } from './pod.js'
import { record } from './record.js'
import { sendFrames, udpFrame } from './traffic.js'

const { tap, tapV4, peer } = podNetwork
const answered = { sent: 3, received: 3, duplicates: 0 }

/** The frame with a VLAN tag behind its addresses. */
const tagged = (frame: string, id: number): string =>
  `${frame.slice(0, 24)}8100${id.toString(16).padStart(4, '0')}${frame.slice(24)}`

describe('an igb VF follows its tap, and says what its PF refuses', () => {
  let pod: Pod
  let instance: Instance

  beforeAll(async () => {
    pod = await Pod.boot()
    instance = await pod.ready({ settings: { ports: [{ name: 'vf0', vlans: [30, '40-41'] }] } })
  })
  afterAll(async () => {
    await pod?.close()
  })
  beforeEach(async () => {
    onTestFailed(() => console.error(instance.lastLines()))
    await instance.ready()
  })

  /** The finding with this code, once there is one, or none any more. */
  async function findingIs(code: string, level: string | null) {
    return await eventually(`${code} is ${level ?? 'settled'}`, async () => {
      const found = (await instance.status()).findings.find((finding) => finding.code === code)
      return (found?.level ?? null) === level ? { found } : undefined
    })
  }

  async function metric(name: string): Promise<number | undefined> {
    return (await instance.metrics()).get(`spillway_${name}`)
  }

  async function workerPid(): Promise<number | null> {
    return (await instance.status()).worker.pid
  }

  test('VLANs that only the fast path uses come in where ports[].vlans names them, and no others', async () => {
    expect(await metric('port_vlans{port="vf0"}')).toBe(3)
    const before = await instance.settledTotals()
    const frames = [30, 31, 40, 42].flatMap((id) => Array<string>(25).fill(tagged(udpFrame(), id)))
    await sendFrames(pod, frames)
    await eventually('those of VLAN 30 and 40', async () => {
      return (await instance.settledTotals()).forwarded - before.forwarded >= 50
    })
    expect((await instance.settledTotals()).forwarded - before.forwarded).toBe(50)
    expect((await instance.status()).findings).toEqual([])
  })

  test('more groups than its list holds become all multicast', async () => {
    const groups = async (): Promise<number> => (await metric('port_multicast_groups{port="vf0"}')) ?? Number.NaN
    // `ip -batch` takes only the first line of such.
    const change = (verb: string, first: number, last: number) =>
      pod.run('pod', [
        'sh',
        '-c',
        `for n in $(seq ${first} ${last}); do ip maddress ${verb} 33:33:00:00:01:$n dev ${tap}; done`,
      ])
    const last = 10 + 30 - (await groups()) - 1
    try {
      await change('add', 10, last)
      await eventually('a full list', async () => (await groups()) === 30)
      expect(instance.logged('"allMulticast":true')).toEqual([])
      await change('add', last + 1, last + 1)
      await eventually('all multicast', () => instance.logged('"multicastGroups":30', '"allMulticast":true').length > 0)
      expect(await metric('port_filters_refused{port="vf0"}')).toBe(0)
    } finally {
      // QEMU's igb goes by the list alone: with too long a one the tests after this would not find the pod.
      await change('del', 10, last + 1)
    }
    await eventually('a short list', async () => ((await metric('port_multicast_groups{port="vf0"}')) ?? 30) < 10)
    expect(await pod.ping('peer', podNetwork.tapV6), 'by its list again').toEqual(answered)
  })

  test('an address of VRRP, which its driver cannot have, is a finding until it is gone', async () => {
    await pod.ip(
      'pod',
      `link add link ${tap} name vrrp.51 address 00:00:5e:00:01:33 type macvlan mode private`,
      'link set vrrp.51 up',
    )
    const { found } = await findingIs('mac-refused', 'warning')
    expect(found).toMatchObject({
      found: '00:00:5e:00:01:33 refused (EOPNOTSUPP)',
      cause: expect.stringMatching(/net_e1000_igb_vf knows one address/),
    })
    expect(await metric('running_findings{code="mac-refused",level="warning"}')).toBe(1)
    await pod.ip('pod', 'link delete vrrp.51')
    await findingIs('mac-refused', null)
  })

  test('its MTU follows the tap while it runs, and back; more than its mbufs hold is a finding', async () => {
    const worker = await workerPid()
    await pod.guest.must(['ip', 'link', 'set', pod.node.pf, 'mtu', '2000'])
    await pod.ip('peer', `link set ${peer} mtu 2000`)
    await pod.ip('pod', `link set ${tap} mtu 2000`)
    const changed = performance.now()
    await eventually('the port has 2000', async () => (await metric('port_mtu_bytes{port="vf0"}')) === 2000)
    await eventually('it answers', async () => (await pod.ping('peer', tapV4, 1)).received === 1)
    record('MTU of the tap to ping', `${Math.round(performance.now() - changed)} ms`)
    expect(await pod.ping('peer', tapV4, 3, 1900), 'in one piece').toEqual(answered)
    await pod.ip('peer', `neigh flush dev ${peer}`)
    expect(await pod.ping('peer', podNetwork.tapV6), 'groups were told again').toEqual(answered)
    expect((await instance.status()).ports[0]?.device?.mtuBytes).toBe(2000)

    await pod.ip('pod', `link set ${tap} mtu 9000`)
    const { found } = await findingIs('mtu-mismatch', 'warning')
    expect(found?.cause).toMatch(/those of this start hold 2022/)
    await pod.ip('pod', `link set ${tap} mtu 1500`)
    await findingIs('mtu-mismatch', null)
    await eventually('the port has 1500', async () => (await metric('port_mtu_bytes{port="vf0"}')) === 1500)
    await pod.ip('peer', `link set ${peer} mtu 1500`)
    await eventually('it answers', async () => (await pod.ping('peer', tapV4, 1)).received === 1)
    expect(await workerPid()).toBe(worker)
  })

  test('VFs that the node takes away are let go of, and taken again when they are back', async () => {
    const worker = await workerPid()
    const numvfs = `/sys/bus/pci/devices/${pod.node.pfAddress}/sriov_numvfs`
    const asked = performance.now()
    // The kernel waits in this write until nobody holds a VF.
    await pod.guest.must(['sh', '-c', `echo 0 > ${numvfs}`])
    record('sriov_numvfs 0', `${Math.round(performance.now() - asked)} ms`)
    await findingIs('device-removed', 'error')
    expect(await instance.readiness()).toMatchObject({
      status: 503,
      body: expect.stringMatching(/port vf0 was removed/),
    })
    expect(await metric(`tap_carrier{port="vf0",tap="${tap}"}`)).toBe(0)

    const node = await makeVfs(pod.guest)
    expect(node.vfs[0]).toEqual(pod.node.vfs[0])
    await giveDevices(pod.guest, node)
    await pod.guest.must(['ip', 'netns', 'delete', 'peer'])
    await makePeer(pod.guest, node.vfs[1])
    await instance.ready()
    await eventually('the tap answers', async () => (await pod.ping('peer', tapV4, 1)).received === 1)
    record('sriov_numvfs 0 to ping', `${Math.round(performance.now() - asked)} ms`)
    expect(await pod.ping('peer', tapV4)).toEqual(answered)
    expect(await pod.ping('peer', podNetwork.tapV6), 'groups were told again').toEqual(answered)
    expect((await instance.status()).findings).toEqual([])
    expect(await workerPid()).toBe(worker)
    expect(await instance.stop()).toEqual({ exitCode: 0, signal: null })
    expect(instance.logged('did not come back')).toEqual([])
  })
})
