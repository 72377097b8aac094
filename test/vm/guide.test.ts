import { afterAll, beforeAll, beforeEach, describe, expect, onTestFailed, test } from 'vitest'
import { expectAccounted, finalCounters } from '../accounted.js'
import { eventually } from '../eventually.js'
import { type Instance, Pod, podNetwork } from './pod.js'
import { countReturned, netdevCounters, sendFrames, transfer, udpFrame } from './traffic.js'

const { tap, tapV4, tapV6, peer, peerV4, peerV6, vfMac } = podNetwork
const all = (times: number) => ({ sent: times, received: times, duplicates: 0 })

/**
 * The scenario of the OpenShift guide: a kernel on a VF, the pod's VF on vfio-pci, Spillway as uid 1001, virtio-user,
 * vhost-net, the pod's tap.
 */
describe('the guide: a kernel VF, a DPDK VF, vhost-net and a tap', () => {
  let pod: Pod
  let instance: Instance

  beforeAll(async () => {
    pod = await Pod.boot({}, { trust: false })
    instance = await pod.ready({ settings: { memory: { pageSize: '2Mi' } } })
  })
  afterAll(async () => {
    await pod?.close()
  })
  beforeEach(() => {
    onTestFailed(() => console.error(instance.lastLines()))
  })

  async function tapMac(): Promise<string> {
    const [link] = JSON.parse(await pod.guest.must(['ip', '-j', '-n', 'pod', 'link', 'show', tap])) as [
      { address: string },
    ]
    return link.address
  }

  test('runs as uid 1001 with IPC_LOCK alone, on vfio-pci and vhost-net', async () => {
    const status = await instance.status()
    const [port] = status.ports
    expect(port?.device).toMatchObject({ driver: 'net_e1000_igb_vf', mac: vfMac, name: pod.node.vfs[0]?.pciAddress })
    expect(port?.exception).toMatchObject({ backend: 'vhost-net', tap })
    const worker = await pod.guest.must(['cat', `/proc/${status.worker.pid}/status`])
    expect(worker).toMatch(/^Uid:\s+1001\s+1001/m)
    expect(worker).toMatch(/^CapEff:\s+0*4000$/m)
    expect(worker).toMatch(/^NoNewPrivs:\s+1$/m)
    expect(await pod.guest.must(['cat', `/proc/${status.worker.pid}/limits`])).toMatch(/^Max locked memory\s+65536/m)
    expect(await pod.guest.must(['ls', '-l', `/proc/${status.worker.pid}/fd`])).toContain('/dev/vhost-net')
  })

  test('has its memory in hugepages', async () => {
    const free = await pod.guest.must(['sh', '-c', "awk '/HugePages_Free/ {print $2}' /proc/meminfo"])
    expect(Number(free)).toBeLessThan(256)
  })

  test('answers ping and ping6 in both directions, neighbour discovery on a VF without trust included', async () => {
    expect(await pod.ping('peer', tapV4, 5), 'peer to pod').toEqual(all(5))
    expect(await pod.ping('pod', peerV4, 5), 'pod to peer').toEqual(all(5))
    expect(await pod.ping('peer', tapV6, 5), 'peer to pod, IPv6').toEqual(all(5))
    expect(await pod.ping('pod', peerV6, 5), 'pod to peer, IPv6').toEqual(all(5))
  })

  test.each([
    ['pod', tapV4, tapV6],
    ['peer', peerV4, peerV6],
  ] as const)('carries 1 MiB over TCP both ways, with the server at the %s', async (server, v4, v6) => {
    const reports = await transfer(pod, server, v4, v6)
    expect(reports.map(({ type, direction, host }) => `${type} ${direction} ${host}`).sort()).toEqual(
      [v4, v6].flatMap((host) => [`transferred download ${host}`, `transferred upload ${host}`]).sort(),
    )
  })

  test('forwards UDP on the fast path and accounts for each packet', async () => {
    const frames = 2000
    const before = await instance.settledTotals()
    const returned = await countReturned(pod)
    await sendFrames(pod, Array<string>(frames).fill(udpFrame()))
    const after = await eventually('everything forwarded', async () => {
      const totals = await instance.settledTotals()
      return totals.forwarded - before.forwarded >= frames ? totals : undefined
    })
    expect(after.forwarded - before.forwarded).toBe(frames)
    expectAccounted(after)
    await eventually('all are back at the peer', () => returned.count() >= frames)
    expect(await returned.stop()).toBe(frames)
  })

  test('carries VLAN tags to the right child of the tap', async () => {
    await pod.ip(
      'pod',
      `link add link ${tap} name ${tap}.100 type vlan id 100`,
      `addr add 10.0.100.1/24 dev ${tap}.100`,
      `link set ${tap}.100 up`,
      `link add link ${tap} name ${tap}.200 type vlan id 200`,
      `addr add 10.0.200.1/24 dev ${tap}.200`,
      // Its own neighbour discovery would come back through igb's switch, which QEMU lets hear itself.
      `link set ${tap}.200 addrgenmode none`,
      `link set ${tap}.200 up`,
    )
    await pod.ip(
      'peer',
      `link add link ${peer} name ${peer}.100 type vlan id 100`,
      `addr add 10.0.100.9/24 dev ${peer}.100`,
      `link set ${peer}.100 up`,
    )
    await eventually(
      'the child of VLAN 100 answers',
      async () => (await pod.ping('peer', '10.0.100.1', 1)).received === 1,
    )
    expect(await pod.ping('peer', '10.0.100.1', 5)).toEqual(all(5))
    expect((await netdevCounters(pod, 'pod', `${tap}.100`)).rxPackets).toBeGreaterThanOrEqual(5)
    expect((await netdevCounters(pod, 'pod', `${tap}.200`)).rxPackets).toBe(0)
  })

  test('says so in /metrics and /readyz', async () => {
    expect(await instance.readiness()).toMatchObject({ status: 200 })
    const metrics = await instance.metrics()
    const totals = await instance.settledTotals()
    expect(metrics.get('spillway_worker_up')).toBe(1)
    expect(metrics.get(`spillway_tap_carrier{port="vf0",tap="${tap}"}`)).toBe(1)
    expect(metrics.get('spillway_port_link_up{port="vf0"}')).toBe(1)
    expect(metrics.get('spillway_punted_packets_total{port="vf0"}')).toBeGreaterThan(0)
    expect(totals.device.rxErrors).toBe(0)
  })

  test('leaves the MAC of the tap as it was, equal to that of the VF, and stops in order', async () => {
    expect(await tapMac()).toBe(vfMac)
    expect(await instance.stop()).toEqual({ exitCode: 0, signal: null })
    expect(await tapMac()).toBe(vfMac)
    const [rx = 0, forwarded = 0, punted = 0, , , consumed = 0, dropped = 0] = finalCounters(instance.process.stdout)
    expect(forwarded + punted + consumed + dropped).toBe(rx)
    expect(instance.logged('did not come back')).toEqual([])
  })
})
