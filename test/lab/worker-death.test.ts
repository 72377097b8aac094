import { afterEach, describe, expect, test } from 'vitest'
import type { Status } from '../../src/http/status.js'
import { labNetwork } from '../../src/lab/topology.js'
import { startTraffic } from '../../src/lab/traffic.js'
import { eventually } from '../eventually.js'
import { alsoClose, closeLabs, failTest, type Lab, programs, readyLab } from './lab-fixture.js'
import { ping } from './ping.js'
import { fallenCounters, parseMetrics } from './prometheus.js'

afterEach(closeLabs)

/** The tap as the kernel describes it: link, MAC address and addresses, without counters and carrier. */
async function describeTap({ pod }: Lab): Promise<unknown> {
  const [link] = JSON.parse(await pod.run(['ip', '-j', 'addr', 'show', 'dev', labNetwork.tap])) as Tap[]
  const addresses = link?.addr_info.map(({ local, prefixlen }) => `${local}/${prefixlen}`)
  return { index: link?.ifindex, mac: link?.address, mtu: link?.mtu, addresses }
}

interface Tap {
  readonly ifindex: number
  readonly address: string
  readonly mtu: number
  readonly addr_info: readonly { readonly local: string; readonly prefixlen: number }[]
}

/** Scrapes without a pause until stopped, and keeps every page. */
function scrape(lab: Lab): { pages: readonly string[]; stop(): Promise<void> } {
  const pages: string[] = []
  let going = true
  const loop = (async () => {
    while (going) pages.push(await lab.instance.get('/metrics'))
  })()
  return {
    pages,
    stop: async () => {
      going = false
      await loop
    },
  }
}

async function workerPid(lab: Lab): Promise<number> {
  return await eventually('a worker', async () => (await lab.instance.status()).worker.pid ?? undefined)
}

/** Another worker than `old`, forwarding. */
async function nextWorker(lab: Lab, old: number): Promise<Status> {
  return await eventually('the next worker is ready', async () => {
    const status = await lab.instance.status()
    return status.ready && status.worker.pid !== null && status.worker.pid !== old ? status : undefined
  })
}

describe('a worker that dies', () => {
  test('of SIGKILL under traffic is replaced, with tap, addresses and counters kept', async () => {
    const lab = await readyLab()
    const traffic = await startTraffic(lab, lab.topology, { udpPps: 20_000, programs, onFailure: failTest })
    alsoClose(() => traffic.stop())
    await eventually('traffic', async () => {
      const { tcp, udpSent } = await traffic.count()
      return tcp.downloads > 0 && tcp.uploads > 0 && udpSent > 0
    })
    const tap = await describeTap(lab)
    const scraping = scrape(lab)
    alsoClose(() => scraping.stop())
    const old = await workerPid(lab)

    process.kill(old, 'SIGKILL')

    const status = await nextWorker(lab, old)
    expect(status.worker.restarts.killed).toBe(1)
    expect(status.worker.lastDeath).toMatchObject({ cause: 'killed' })
    const { forwarded, punted } = status.ports[0]?.totals ?? { forwarded: 0, punted: 0 }
    const { downloads, uploads } = (await traffic.count()).tcp
    await eventually('both paths go on', async () => {
      const { totals } = (await lab.instance.status()).ports[0] ?? {}
      const { tcp } = await traffic.count()
      const moved = tcp.downloads > downloads + 1 && tcp.uploads > uploads + 1
      return moved && (totals?.forwarded ?? 0) > forwarded && (totals?.punted ?? 0) > punted
    })
    await scraping.stop()

    expect(await describeTap(lab)).toEqual(tap)
    const pages = scraping.pages.map(parseMetrics)
    expect(pages.length).toBeGreaterThan(2)
    for (const [index, page] of pages.entries()) {
      expect(fallenCounters(pages[index - 1] ?? new Map(), page)).toEqual([])
    }
    expect(pages.some((page) => page.get('spillway_worker_up') === 0)).toBe(true)
    expect(pages.at(-1)?.get('spillway_worker_restarts_total{cause="killed"}')).toBe(1)
    expect(lab.log.some((line) => line.includes('"cause":"killed"'))).toBe(true)
  })

  test('of a crash in native code leaves signal and backtrace in the log', async () => {
    const lab = await readyLab()
    const old = await workerPid(lab)
    process.kill(old, 'SIGSEGV')
    const status = await nextWorker(lab, old)
    expect(status.worker.restarts.crashed).toBe(1)
    const crash = lab.log.filter((line) => line.includes('"level":"fatal"'))
    expect(crash.join('\n')).toContain('SIGSEGV')
    // Frames of the backtrace name the file they are in.
    expect(crash.length).toBeGreaterThan(2)
    expect(crash.join('\n')).toMatch(/node|libc\.so/)
  })

  test('standing still is found by the watchdog and replaced', async () => {
    const lab = await readyLab()
    const old = await workerPid(lab)
    process.kill(old, 'SIGSTOP')
    const status = await nextWorker(lab, old)
    expect(status.worker.restarts.lcore_stalled).toBe(1)
    expect(await ping(lab.peer, labNetwork.tapV4)).toEqual({ sent: 3, received: 3, duplicates: 0 })
  })
})

describe('a tap that is deleted and made again', () => {
  test('is not ready while it is gone, and works once it is back', async () => {
    const lab = await readyLab()
    const { tap, tapV4, vfMac } = labNetwork
    const old = await workerPid(lab)

    await lab.pod.run(['ip', 'link', 'delete', tap])

    await eventually('not ready', async () => ((await lab.instance.status()).ready ? undefined : true))
    expect(await workerPid(lab)).toBe(old)
    const lines = [
      `tuntap add dev ${tap} mode tap`,
      `link set ${tap} address ${vfMac}`,
      `addr add ${tapV4}/24 dev ${tap}`,
      `link set ${tap} up`,
    ]
    await lab.pod.run(['ip', '-batch', '-'], `${lines.join('\n')}\n`)

    const status = await nextWorker(lab, old)
    expect(status.worker.restarts.failed).toBe(1)
    expect(status.worker.lastDeath?.message).toMatch(/deleted and made again/)
    expect(await ping(lab.peer, tapV4)).toEqual({ sent: 3, received: 3, duplicates: 0 })
  })
})
