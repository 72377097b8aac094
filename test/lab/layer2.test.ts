import { afterEach, describe, expect, test } from 'vitest'
import type { Settings } from '../../src/lab/lab-config.js'
import { spawnInside } from '../../src/lab/processes.js'
import { labNetwork } from '../../src/lab/topology.js'
import { eventually } from '../eventually.js'
import { captureFrames, sendFrames } from './frames.js'
import { alsoClose, closeLabs, type Lab, readyLab } from './lab-fixture.js'
import { ping } from './ping.js'
import { parseMetrics } from './prometheus.js'

afterEach(closeLabs)

const { tap, vf, peer: peerNetdev, tapV4, peerMac, vfMac } = labNetwork
const virtualMac = '00:00:5e:00:01:33'
const answered = { sent: 3, received: 3, duplicates: 0 }

async function ip(lab: Lab, where: 'pod' | 'peer', ...lines: string[]): Promise<void> {
  await lab[where].run(['ip', '-batch', '-'], `${lines.join('\n')}\n`)
}

/** The settings with `changes` to the one port. */
function withPort(changes: Settings): (settings: Settings) => Settings {
  return (settings) => ({ ...settings, ports: (settings.ports as Settings[]).map((port) => ({ ...port, ...changes })) })
}

/** The finding with this code, once there is one, or none any more. */
async function findingIs(lab: Lab, code: string, level: string | null) {
  return await eventually(`${code} is ${level ?? 'settled'}`, async () => {
    const found = (await lab.instance.status()).findings.find((finding) => finding.code === code)
    return (found?.level ?? null) === level ? { found } : undefined
  })
}

async function metric(lab: Lab, name: string): Promise<number | undefined> {
  return parseMetrics(await lab.instance.get('/metrics')).get(`spillway_${name}`)
}

async function dropped(lab: Lab, reason: string): Promise<number> {
  return (await lab.instance.status()).ports[0]?.totals.dropped[reason] ?? Number.NaN
}

/** A frame of `bytes` with a payload that tells every byte from its neighbours. */
function longFrame(destination: string, source: string, bytes: number): string {
  const header = `${destination}${source}88b5`.replaceAll(':', '')
  const payload = Array.from({ length: bytes - 14 }, (_, at) => ((at * 7) & 0xff).toString(16).padStart(2, '0'))
  return header + payload.join('')
}

/** To the kernel, also what is no protocol of its own. */
const allToTheKernel = (settings: Settings): Settings => ({ ...settings, exceptionPath: { default: 'kernel' } })

describe('an MTU of the tap that is longer than the port', () => {
  test('drops what does not fit and counts it; what fits arrives byte for byte; the finding says which side is wrong', async () => {
    const lab = await readyLab({ settings: withPort({ mtu: 1500 }) })
    expect((await lab.instance.status()).findings).toEqual([])
    await ip(lab, 'pod', `link set ${tap} mtu 3000`)
    const { found } = await findingIs(lab, 'mtu-mismatch', 'warning')
    expect(found).toMatchObject({
      needed: '3000 bytes, as tap ext0 has',
      found: '1500 bytes',
      cause: expect.stringMatching(/^ports\[\]\.mtu says so/),
    })
    const atPeer = await captureFrames(lab.peer, peerNetdev)
    alsoClose(() => atPeer.stop())
    const [longest, tooLong] = [longFrame(peerMac, vfMac, 1514), longFrame(peerMac, vfMac, 2500)]
    await sendFrames(lab.pod, tap, [tooLong, tooLong, longest])
    await eventually('the longest that fits', () => atPeer.frames.includes(longest))
    await eventually('two drops', async () => (await dropped(lab, 'inject_oversize')) === 2)
    // Whatever came of the long ones would begin as they do.
    expect(atPeer.frames.filter((frame) => frame.startsWith(longest.slice(0, 200)))).toEqual([longest])
    expect(await metric(lab, 'running_findings{code="mtu-mismatch",level="warning"}')).toBe(1)

    await ip(lab, 'pod', `link set ${tap} mtu 1500`)
    await findingIs(lab, 'mtu-mismatch', null)
    await eventually('it is logged', () => lab.log.some((line) => line.includes('finding is settled')))
  })

  test('is not what af_packet can have, and the finding names the most that it can', async () => {
    const lab = await readyLab()
    await ip(lab, 'pod', `link set ${tap} mtu 9000`)
    const { found } = await findingIs(lab, 'mtu-mismatch', 'warning')
    expect(found?.cause).toMatch(/^the driver net_af_packet can have 1500 at most/)
    const checks = JSON.parse(await lab.instance.get('/api/v1/checks')) as { findings: { code: string }[] }
    expect(checks.findings.filter(({ code }) => code.startsWith('mtu-'))).toMatchObject([found])
    expect(await ping(lab.peer, tapV4)).toEqual(answered)
  })
})

describe('an MTU of the tap that is shorter than the port', () => {
  test('cuts nothing: the kernel gets frames of the full length, byte for byte, and a note says so', async () => {
    const lab = await readyLab({ settings: allToTheKernel })
    await ip(lab, 'pod', `link set ${tap} mtu 1000`)
    await findingIs(lab, 'mtu-mismatch', 'note')
    const atTap = await captureFrames(lab.pod, tap)
    alsoClose(() => atTap.stop())
    const frame = longFrame(vfMac, peerMac, 1514)
    await sendFrames(lab.peer, peerNetdev, [frame])
    await eventually('the frame at the tap', () => atTap.frames.includes(frame))
    // The answer is longer than the tap's MTU, so the kernel fragments it.
    expect(await ping(lab.peer, tapV4, 3, 1400)).toEqual(answered)
  })
})

describe('a VRRP address of the tap', () => {
  test('is told to the port, answers by its virtual MAC, and is taken back with its netdev', async () => {
    const lab = await readyLab()
    expect(await metric(lab, `port_unicast_addresses{port="${vf}"}`)).toBe(0)
    // As keepalived makes it with use_vmac.
    await ip(lab, 'pod', `link add link ${tap} name vrrp.51 address ${virtualMac} type macvlan mode private`)
    await ip(lab, 'pod', 'addr add 10.99.0.51/32 dev vrrp.51', 'link set vrrp.51 up')
    await eventually('the port is told', async () => (await metric(lab, `port_unicast_addresses{port="${vf}"}`)) === 1)
    await ip(lab, 'peer', `neigh replace 10.99.0.51 lladdr ${virtualMac} dev ${peerNetdev} nud permanent`)
    await eventually('it answers', async () => (await ping(lab.peer, '10.99.0.51', 1)).received === 1)
    expect(await ping(lab.peer, '10.99.0.51')).toEqual(answered)
    expect((await lab.instance.status()).findings).toEqual([])
    await ip(lab, 'pod', 'link delete vrrp.51')
    await eventually('it is taken back', async () => (await metric(lab, `port_unicast_addresses{port="${vf}"}`)) === 0)
  })
})

describe('a multicast group of the tap', () => {
  test('is told to the port when it is joined, and forgotten when it is left', async () => {
    const lab = await readyLab()
    const groups = () => metric(lab, `port_multicast_groups{port="${vf}"}`)
    const before = (await groups()) ?? Number.NaN
    await ip(lab, 'pod', `maddress add 01:00:5e:00:00:12 dev ${tap}`)
    await eventually('one more', async () => (await groups()) === before + 1)
    await ip(lab, 'pod', `maddress del 01:00:5e:00:00:12 dev ${tap}`)
    await eventually('as before', async () => (await groups()) === before)
    expect(await metric(lab, `port_filters_refused{port="${vf}"}`)).toBe(0)
  })
})

describe('a tap that is set down', () => {
  test('costs what is for the kernel, counted, and nothing of the fast path', async () => {
    const lab = await readyLab()
    await ip(lab, 'pod', `link set ${tap} down`)
    await eventually(
      'it is known to be down',
      async () => (await metric(lab, `tap_up{port="${vf}",tap="${tap}"}`)) === 0,
    )
    const arp = `ffffffffffff${peerMac}0806`.replaceAll(':', '').padEnd(120, '0')
    await sendFrames(lab.peer, peerNetdev, [arp, arp, arp])
    await eventually('three drops', async () => (await dropped(lab, 'tap_down')) >= 3)
    const back = await captureFrames(lab.peer, peerNetdev)
    alsoClose(() => back.stop())
    const forwarded = longFrame(vfMac, peerMac, 500)
    const returned = forwarded.slice(12, 24) + forwarded.slice(0, 12) + forwarded.slice(24)
    await sendFrames(lab.peer, peerNetdev, [forwarded, forwarded])
    await eventually('both are back', () => back.frames.filter((frame) => frame === returned).length === 2)
    await ip(lab, 'pod', `link set ${tap} up`)
    await eventually('it answers', async () => (await ping(lab.peer, tapV4, 1)).received === 1)
  })
})

describe('a worker that dies', () => {
  const monitored = async (hold: boolean) => {
    const lab = await readyLab({
      multiQueueTap: true,
      settings: (settings) => withPort({ exception: { backend: 'tap', tap, hold } })(settings),
    })
    expect(await ping(lab.peer, tapV4)).toEqual(answered)
    const monitor = spawnInside(lab.pod, ['stdbuf', '-oL', 'ip', 'monitor', 'link', 'dev', tap], {
      stdio: ['ignore', 'pipe', 'inherit'],
      whenOrphaned: 'SIGKILL',
    })
    let told = ''
    monitor.stdout?.setEncoding('utf8').on('data', (text: string) => {
      told += text
    })
    alsoClose(async () => monitor.kill('SIGKILL'))
    let times = 0
    await eventually('the monitor listens', async () => {
      await ip(lab, 'pod', `link set ${tap} alias watched${times++}`)
      return told.includes(tap)
    })
    const { pid } = (await lab.instance.status()).worker
    process.kill(pid ?? 0, 'SIGKILL')
    await eventually('the next worker', async () => {
      const { worker, ready } = await lab.instance.status()
      return ready && worker.pid !== pid
    })
    expect(await ping(lab.peer, tapV4)).toEqual(answered)
    return told
  }

  test('takes the carrier of its tap along', async () => {
    expect(await monitored(false)).toMatch(/NO-CARRIER/)
  })

  test('leaves the tap its carrier where exception.hold keeps a queue of it', async () => {
    expect(await monitored(true)).not.toMatch(/NO-CARRIER/)
  })
})
