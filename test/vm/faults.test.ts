import { afterAll, beforeAll, beforeEach, describe, expect, onTestFailed, test } from 'vitest'
import { makeTap } from '../../scripts/vm/pod.mjs'
import type { Status } from '../../src/http/status.js'
import { expectAccounted } from '../accounted.js'
import { eventually } from '../eventually.js'
import { fallenCounters } from '../lab/prometheus.js'
import { type Instance, Pod, podNetwork } from './pod.js'
import { record } from './record.js'
import { netdevCounters, sendFrames, startFrames, udpFrame } from './traffic.js'

const { tap, tapV4 } = podNetwork
const answered = { sent: 3, received: 3, duplicates: 0 }

/** The kernel's side of the tap is a vhost worker; this CPU of the guest is for those that starve it. */
const starvingCpu = 2

describe('what may go wrong under a running Spillway', () => {
  let pod: Pod
  let instance: Instance

  beforeAll(async () => {
    pod = await Pod.boot()
    // One death after the other on purpose: none of them is the last of a row.
    instance = await pod.ready({ settings: { restart: { healthyAfterMs: 500 } } })
  })
  afterAll(async () => {
    await pod?.close()
  })
  beforeEach(async () => {
    onTestFailed(() => console.error(instance.lastLines()))
    await instance.ready()
  })

  async function describeTap(): Promise<unknown> {
    const [link] = JSON.parse(await pod.guest.must(['ip', '-j', '-n', 'pod', 'addr', 'show', tap])) as [
      { ifindex: number; address: string; mtu: number; addr_info: { local: string }[] },
    ]
    const { ifindex, address, mtu, addr_info } = link
    return { ifindex, address, mtu, addresses: addr_info.map(({ local }) => local).sort() }
  }

  async function workerPid(): Promise<number> {
    return await eventually('a worker', async () => (await instance.status()).worker.pid ?? undefined)
  }

  async function nextWorker(old: number): Promise<Status> {
    return await eventually('the next worker is ready', async () => {
      const status = await instance.status()
      return status.ready && status.worker.pid !== null && status.worker.pid !== old ? status : undefined
    })
  }

  async function notReady(reason: RegExp): Promise<string> {
    return await eventually(`not ready: ${reason}`, async () => {
      const { status, body } = await instance.readiness()
      return status === 503 && reason.test(body) ? body : undefined
    })
  }

  /** Fast path frames all came through, each accounted for. */
  async function expectFastPath(frames = 300): Promise<void> {
    const before = await instance.settledTotals()
    await sendFrames(pod, Array<string>(frames).fill(udpFrame()))
    const totals = await eventually('the fast path forwards all', async () => {
      const now = await instance.settledTotals()
      return now.forwarded - before.forwarded >= frames ? now : undefined
    })
    expect(totals.forwarded - before.forwarded).toBe(frames)
  }

  test('a worker killed under traffic is replaced; tap, addresses and counters stay, and what it held is counted', async () => {
    const tapBefore = await describeTap()
    const page = await instance.metrics()
    const old = await workerPid()
    const load = await startFrames(pod, Array<string>(4000).fill(udpFrame()), 500)
    const before = await instance.totals()
    await eventually('traffic', async () => (await instance.totals()).forwarded > before.forwarded + 100)

    const killed = performance.now()
    await pod.guest.must(['kill', '-KILL', String(old)])
    const status = await nextWorker(old)
    record('worker SIGKILL to ready', `${Math.round(performance.now() - killed)} ms`)

    expect(status.worker.restarts.killed).toBe(1)
    expect(status.worker.lastDeath).toMatchObject({ cause: 'killed' })
    await load.ended
    expect(await describeTap()).toEqual(tapBefore)
    expect(fallenCounters(page, await instance.metrics())).toEqual([])
    expect(await pod.ping('peer', tapV4)).toEqual(answered)
    expectAccounted(await instance.settledTotals())
    expect(instance.logged('"cause":"killed"')).not.toEqual([])
  })

  test('a tap that is deleted makes it not ready; made again, it is attached to by a new worker', async () => {
    const old = await workerPid()
    await pod.guest.must(['ip', '-n', 'pod', 'link', 'delete', tap])
    await notReady(/tap ext0 is down/)
    await expectFastPath()
    expect(await workerPid()).toBe(old)
    await makeTap(pod.guest)
    const status = await nextWorker(old)
    expect(status.worker.lastDeath?.message).toMatch(/deleted and made again/)
    await eventually('the new tap answers', async () => (await pod.ping('peer', tapV4, 1)).received === 1)
    expect(await pod.ping('peer', tapV4)).toEqual(answered)
  })

  test('a tap that is set down drops what is for the kernel with that reason, and the fast path goes on', async () => {
    const old = await workerPid()
    await pod.ip('pod', `link set ${tap} down`)
    await notReady(/tap ext0 is down/)
    const before = await instance.settledTotals()
    await sendFrames(pod, Array<string>(20).fill(udpFrame({ address: tapV4 })))
    await eventually('20 drops', async () => {
      const { dropped } = await instance.settledTotals()
      return (dropped.tap_down ?? 0) - (before.dropped.tap_down ?? 0) >= 20
    })
    await expectFastPath()
    // The kernel takes the IPv6 address off a netdev that goes down.
    await pod.ip('pod', `link set ${tap} up`, `addr replace ${podNetwork.tapV6}/64 dev ${tap} nodad`)
    await instance.ready()
    await eventually('the tap answers', async () => (await pod.ping('peer', tapV4, 1)).received === 1)
    expect(await workerPid()).toBe(old)
    expectAccounted(await instance.settledTotals())
  })

  test('a kernel that does not take what is for it costs drops with a reason and no packet of the fast path', async () => {
    const before = await instance.settledTotals()
    // As when somebody's polling thread has the CPU on which the vhost worker should run.
    const vhost = (await pod.guest.must(['pgrep', '^vhost-'])).trim()
    await pod.guest.must(['taskset', '-p', '-c', String(starvingCpu), vhost])
    await pod.guest.must(['chrt', '--idle', '-p', '0', vhost])
    const hog = await pod.guest.start([
      ...['taskset', '-c', String(starvingCpu), 'nice', '-n', '-20', 'timeout', '120'],
      ...['sh', '-c', 'while :; do :; done'],
    ])
    try {
      const flood = await startFrames(pod, Array<string>(4000).fill(udpFrame({ address: tapV4 })), 1000)
      await eventually('drops', async () => {
        const { dropped } = await instance.totals()
        return (dropped.tap_full ?? 0) > (before.dropped.tap_full ?? 0)
      })
      await expectFastPath()
      await flood.ended
    } finally {
      await pod.guest.must(['chrt', '--other', '-p', '0', vhost])
      hog.kill('SIGTERM')
      await hog.ended
    }
    await eventually('the tap answers', async () => (await pod.ping('peer', tapV4, 1)).received === 1)
    const after = await instance.settledTotals()
    record('dropped for a full tap', (after.dropped.tap_full ?? 0) - (before.dropped.tap_full ?? 0))
    expectAccounted(after)
    expect((await instance.status()).worker.restarts).toMatchObject({ exception_stalled: 0, lcore_stalled: 0 })
  })

  test('a PF that goes down takes the carrier of the tap with it, and all comes back with it', async () => {
    const old = await workerPid()
    const { resets } = await portGauges()
    const toldBefore = instance.logged('link of a port changed', '"up":false').length
    const monitor = await pod.guest.start(['stdbuf', '-oL', 'ip', '-n', 'pod', 'monitor', 'link', 'dev', tap])
    await pod.guest.must(['ip', 'link', 'set', pod.node.pf, 'down'])
    const up = async (): Promise<number> => {
      await pod.guest.must(['ip', 'link', 'set', pod.node.pf, 'up'])
      return performance.now()
    }
    try {
      const told = () => instance.logged('link of a port changed', '"up":false').length > toldBefore
      await eventually('the link is told', told)
      await eventually('the tap loses its carrier', () => monitor.stdout.includes('NO-CARRIER'))
      expect(await instance.readiness(), 'a link that is down is a state').toMatchObject({ status: 200 })
    } catch (error) {
      await up()
      throw error
    } finally {
      monitor.kill()
    }
    const upAt = await up()
    await eventually('the tap answers', async () => (await pod.ping('peer', tapV4, 1)).received === 1)
    record('PF up to ping', `${Math.round(performance.now() - upAt)} ms`)
    const after = await portGauges()
    expect(after).toMatchObject({ link: 1, carrier: 1 })
    expect(after.resets).toBeGreaterThan(resets)
    expect(instance.logged('was reset, the port is back')).not.toEqual([])
    expect(await workerPid()).toBe(old)
    await expectFastPath()
    expect(await pod.ping('peer', podNetwork.tapV6), 'multicast groups were told again').toEqual(answered)
  })

  test('a VF that its PF resets is brought back in place, with what it filters', async () => {
    const old = await workerPid()
    const { resets } = await portGauges()
    const load = await startFrames(pod, Array<string>(4000).fill(udpFrame()), 300)
    for (let times = 1; times <= 3; times++) {
      await pod.guest.must(['ethtool', '-r', pod.node.pf])
      await eventually('a reset', async () => (await portGauges()).resets >= resets + times)
    }
    await load.ended
    await eventually('the tap answers', async () => (await pod.ping('peer', tapV4, 1)).received === 1)
    expect(await pod.ping('peer', podNetwork.tapV6)).toEqual(answered)
    await expectFastPath()
    expect(await workerPid()).toBe(old)
    expectAccounted(await instance.settledTotals())
  })

  test('a VF that is reset behind the back of its driver is found by what it no longer sends', async () => {
    const old = await workerPid()
    const { resets } = await portGauges()
    const reset = performance.now()
    await pod.guest.must(['sh', '-c', `echo 1 > /sys/bus/pci/devices/${pod.node.vfs[0]?.pciAddress}/reset`])
    await eventually(
      'the tap reaches the peer',
      async () => (await pod.ping('pod', podNetwork.peerV4, 1)).received === 1,
    )
    record('function-level reset to ping', `${Math.round(performance.now() - reset)} ms`)
    expect((await portGauges()).resets).toBeGreaterThan(resets)
    await expectFastPath()
    expect(await workerPid()).toBe(old)
    expectAccounted(await instance.settledTotals())
  })

  test('nothing leaks over all of that', async () => {
    expect(await instance.stop()).toEqual({ exitCode: 0, signal: null })
    expect(instance.logged('did not come back')).toEqual([])
    expect(await pod.guest.must(['sh', '-c', "awk '/HugePages_Free|HugePages_Total/ {print $2}' /proc/meminfo"])).toBe(
      '256\n256\n',
    )
    expect((await netdevCounters(pod, 'pod', tap)).rxPackets).toBeGreaterThan(0)
  })

  async function portGauges(): Promise<{ link: number; carrier: number; resets: number }> {
    const metrics = await instance.metrics()
    const value = (series: string): number => metrics.get(`spillway_${series}`) ?? Number.NaN
    return {
      link: value('port_link_up{port="vf0"}'),
      carrier: value(`tap_carrier{port="vf0",tap="${tap}"}`),
      resets: value('port_resets_total{port="vf0"}'),
    }
  }
})
