import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { afterEach, describe, expect, test } from 'vitest'
import { labNetwork } from '../../src/lab/topology.js'
import { eventually } from '../eventually.js'
import { type CapturedPacket, readPcapng } from '../pcapng.js'
import { sendFrames } from './frames.js'
import { closeLabs, type Lab, readyLab } from './lab-fixture.js'
import { ping } from './ping.js'

afterEach(closeLabs)

const command = fileURLToPath(new URL('../../bin/spillway.mjs', import.meta.url))
const { peer: peerNetdev, tap, tapV4, vf, peerMac, vfMac } = labNetwork

/** Captures what passes while `act` runs. */
async function captured(
  lab: Lab,
  args: readonly string[],
  act: () => Promise<unknown>,
): Promise<readonly CapturedPacket[]> {
  const socket = await eventually('the control socket', async () =>
    lab.log.map((line) => /"path":"([^"]+)","msg":"control socket open"/.exec(line)?.[1]).find((path) => path),
  )
  const began = lab.log.filter((line) => line.includes('"msg":"capture began"')).length
  const child = spawn(process.execPath, [command, 'capture', '--socket', socket, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const chunks: Buffer[] = []
  child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk))
  const closed = once(child, 'close')
  await eventually(
    'the capture',
    async () => lab.log.filter((line) => line.includes('"msg":"capture began"')).length > began,
  )
  await act()
  child.kill('SIGINT')
  expect(await closed).toEqual([0, null])
  const { interfaces, packets } = readPcapng(Buffer.concat(chunks))
  expect(interfaces).toEqual([vf])
  return packets
}

/** ICMP type of an IPv4 frame. */
const icmpType = ({ bytes }: CapturedPacket): number | undefined => bytes[34]

describe('spillway capture in the lab', () => {
  test('sees a ping on its way to the kernel, and the answer on its way out', async () => {
    const lab = await readyLab()
    const packets = await captured(lab, ['--filter', 'icmp'], async () => {
      expect(await ping(lab.peer, tapV4, 5)).toMatchObject({ sent: 5, received: 5 })
    })
    const [requests, replies] = ['punted', 'injected'].map((place) =>
      packets.filter(({ comment }) => comment === place),
    )
    expect(requests?.map((packet) => [icmpType(packet), packet.direction])).toEqual(Array(5).fill([8, 'in']))
    expect(replies?.map((packet) => [icmpType(packet), packet.direction])).toEqual(Array(5).fill([0, 'out']))
  })

  test('sees frames byte for byte as they were on the wire', async () => {
    const lab = await readyLab({
      settings: (settings) => ({ ...settings, rules: [{ name: 'probe', match: 'ether proto 0x88b5', to: 'kernel' }] }),
    })
    const frames = [60, 61, 62, 63, 700, 1514].map((length) =>
      `${vfMac}${peerMac}88b5`.replaceAll(':', '').padEnd(2 * length, '0123456789abcdef'),
    )
    const packets = await captured(lab, ['--where', 'punted', '--filter', 'ether proto 0x88b5'], async () => {
      await sendFrames(lab.peer, peerNetdev, frames)
      await eventually('all frames', async () => {
        const { inForce } = (await lab.instance.status()).rules
        return inForce.find(({ name }) => name === 'probe')?.packets === frames.length
      })
    })
    expect(packets.map(({ bytes }) => bytes.toString('hex'))).toEqual(frames)
  })

  test('sees what a tap that is down does not take, with the reason', async () => {
    const lab = await readyLab()
    const arp = `ffffffffffff${peerMac}0806`.replaceAll(':', '').padEnd(120, '0')
    const packets = await captured(lab, ['--where', 'dropped:tap_down'], async () => {
      await lab.pod.run(['ip', 'link', 'set', tap, 'down'])
      await sendFrames(lab.peer, peerNetdev, [arp])
      await eventually('the drop', async () => (await lab.instance.status()).ports[0]?.totals.dropped.tap_down !== 0)
    })
    expect(packets.map(({ bytes, comment }) => [bytes.toString('hex'), comment])).toContainEqual([arp, 'tap_down'])
  })
})
