import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { expectAccounted } from '../accounted.js'
import { eventually } from '../eventually.js'
import { type Instance, Pod, podNetwork } from './pod.js'
import { record } from './record.js'
import { countReturned, sendFrames, transfer, udpFrame } from './traffic.js'

const { tap, tapV4, peerMac } = podNetwork
/** Of nobody; the pod's kernel routes it back to the peer. */
const behindPeer = '10.0.0.50'
const toKernel = { exceptionPath: { default: 'kernel' } }

/** Test plans of DPDK's own test suite, by their names (docs/conformance.md). */
describe("DPDK's test plans of virtio-user on vhost-net", () => {
  let pod: Pod
  let instance: Instance | undefined

  beforeAll(async () => {
    pod = await Pod.boot()
    const settings = ['ip_forward=1', 'conf.all.send_redirects=0', `conf.${tap}.send_redirects=0`]
    await pod.run('pod', ['sysctl', '-qw', ...settings.map((setting) => `net.ipv4.${setting}`)])
  })
  afterAll(async () => {
    await pod?.close()
  })
  afterEach(async () => {
    await instance?.end()
    instance = undefined
  })

  async function start(settings: object): Promise<Instance> {
    instance = await pod.ready({ settings: { ...settings } })
    // The kernel forgets neighbours of a netdev that somebody gives its MAC, as virtio-user does.
    await pod.ip('pod', `neigh replace ${behindPeer} lladdr ${peerMac} dev ${tap} nud permanent`)
    return instance
  }

  /** How many of them came back to the peer, once as many have as were sent. */
  async function sendAndCount(frames: readonly string[]): Promise<number> {
    const returned = await countReturned(pod)
    await sendFrames(pod, frames)
    await eventually(`${frames.length} frames at the peer`, () => returned.count() >= frames.length)
    return await returned.stop()
  }

  test('virtio_forward / pvp_loop: 100 packets go to the tap, through a testpmd on it, and come back', async () => {
    const spillway = await start(toKernel)
    const testpmd = await pod.guest.start(
      pod.inside('pod', [
        ...['stdbuf', '-oL', 'dpdk-testpmd', '-l', '0,2', '--no-huge', '--no-shconf', '-m', '256', '--no-pci'],
        ...['--no-telemetry', `--vdev=net_af_packet0,iface=${tap}`, '--'],
        ...['--forward-mode=macswap', '--nb-cores=1', '--no-mlockall', '--total-num-mbufs=4096', '--stats-period=1'],
      ]),
    )
    try {
      await eventually('testpmd forwards', async () => testpmd.stdout.includes('Port statistics'))
      // To nobody's address: what comes back went through testpmd, not through the kernel's routing.
      expect(await sendAndCount(Array<string>(100).fill(udpFrame({ address: '192.0.2.1' })))).toBe(100)
    } finally {
      testpmd.kill('SIGINT')
      await testpmd.ended
    }
    expectAccounted(await spillway.settledTotals())
  })

  test('virtio_user_as_exceptional_path / 1: TCP from and to the tap, checksums and segments finished', async () => {
    const spillway = await start({})
    for (const { direction, ...report } of await transfer(pod, 'pod', tapV4)) {
      expect(report.type).toBe('transferred')
      if (report.type === 'transferred')
        record(
          `exceptional_path 1, ${direction}`,
          `${((report.bytes * 8) / report.milliseconds / 1000).toFixed(1)} Mbit/s`,
        )
    }
    const totals = await spillway.settledTotals()
    expect(totals.injectedSegments, 'the kernel left segmentation to us').toBeGreaterThan(totals.injectedFrames)
    const snmp = await pod.run('peer', ['cat', '/proc/net/snmp'])
    const [names = '', values = ''] = snmp.split('\n').filter((line) => line.startsWith('Tcp:'))
    const bad = values.split(' ')[names.split(' ').indexOf('InCsumErrors')]
    expect(bad, 'segments with a bad checksum at the peer').toBe('0')
    expectAccounted(totals)
  })

  test('virtio_user_as_exceptional_path / 2: one queue, the kernel routes each small frame back', async () => {
    const spillway = await start(toKernel)
    await routeBack(spillway, 1)
  })

  test('virtio_user_as_exceptional_path / 3: two queues, both of them carry flows', async () => {
    const spillway = await start({ ...toKernel, ports: [{ exception: { queues: 2 } }] })
    await routeBack(spillway, 64)
    expect((await spillway.status()).ports[0]?.exception).toMatchObject({ backend: 'vhost-net', tap })
    // The tap keeps a flow on the queue that it came in by: what the kernel begins is spread by its hash.
    const begin = `for port in $(seq 9000 9063); do echo x > /dev/udp/${podNetwork.peerV4}/$port; done`
    await pod.run('pod', ['bash', '-c', begin])
    await spillway.settledTotals()
    for (const thread of ['0', '1'])
      expect(await framesOfThread(spillway, thread), `frames from the kernel on queue ${thread}`).toBeGreaterThan(0)
  })

  test('vhost_virtio_user_interrupt: a frame from the kernel wakes the exception thread', async () => {
    const spillway = await start({})
    const wakeups = async () => (await spillway.metrics()).get('spillway_exception_wakeups_total{thread="0"}') ?? 0
    const before = await wakeups()
    // One by one: between two of them it falls asleep.
    await eventually('a wake-up', async () => {
      await pod.ping('pod', podNetwork.peerV4, 1)
      return (await wakeups()) > before
    })
    expectAccounted(await spillway.settledTotals())
  })

  test('vhost_pmd_xstats: frames of each size are counted in their class, both ways', async () => {
    const spillway = await start(toKernel)
    const perClass = 500
    const sizes = { 64: 64, 127: 100, 255: 200, 511: 400, 1023: 800, 1522: 1400 }
    const histogram = async (way: 'exception_punted' | 'tap_rx'): Promise<number[]> => {
      const metrics = await spillway.metrics()
      const upTo = Object.keys(sizes).map(
        (le) => metrics.get(`spillway_${way}_frame_bytes_bucket{port="vf0",le="${le}"}`) ?? Number.NaN,
      )
      return upTo.map((count, index) => count - (upTo[index - 1] ?? 0))
    }
    // The kernel itself sends a frame now and then: what is there may only be what was sent, and more.
    const before = { punted: await histogram('exception_punted'), tap: await histogram('tap_rx') }
    for (const bytes of Object.values(sizes))
      await sendFrames(pod, Array<string>(perClass).fill(udpFrame({ address: behindPeer, bytes })))
    const after = await eventually('all are there and back', async () => {
      const punted = (await histogram('exception_punted')).map((count, at) => count - (before.punted[at] ?? 0))
      const tap = (await histogram('tap_rx')).map((count, at) => count - (before.tap[at] ?? 0))
      return [...punted, ...tap].every((count) => count >= perClass) ? { punted, tap } : undefined
    })
    for (const [at, bytes] of Object.values(sizes).entries()) {
      if (bytes < 128) continue
      expect(after.punted[at], `punted, ${bytes} bytes`).toBe(perClass)
      expect(after.tap[at], `from the kernel, ${bytes} bytes`).toBe(perClass)
    }
    expectAccounted(await spillway.settledTotals())
  })

  /** Small frames of many flows that the pod's kernel routes back; balanced when as many come back. */
  async function routeBack(spillway: Instance, flows: number): Promise<void> {
    const frames = 1000
    const started = performance.now()
    const list = Array.from({ length: frames }, (_, n) =>
      udpFrame({ address: behindPeer, from: `10.0.0.${100 + (n % flows)}` }),
    )
    const back = await sendAndCount(list)
    expect(back).toBe(frames)
    record(`exceptional_path, ${flows} flows`, `${Math.round((back * 1000) / (performance.now() - started))} frames/s`)
    const totals = await spillway.settledTotals()
    expectAccounted(totals)
    expect(totals.dropped.tap_full).toBe(0)
  }

  async function framesOfThread(spillway: Instance, thread: string): Promise<number> {
    const metrics = await spillway.metrics()
    return metrics.get(`spillway_exception_thread_tap_rx_frames_total{port="vf0",thread="${thread}"}`) ?? Number.NaN
  }
})
