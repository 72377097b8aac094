import { readFile } from 'node:fs/promises'
import { afterEach, describe, expect, test } from 'vitest'
import { readNetdev } from '../../src/lab/netdev-counters.js'
import { labNetwork } from '../../src/lab/topology.js'
import { startUdp, type UdpLoad } from '../../src/lab/traffic-udp.js'
import { eventually } from '../eventually.js'
import { alsoClose, closeLabs, failTest, type Lab, programs, readyLab } from './lab-fixture.js'

afterEach(closeLabs)

const gtpu = { address: labNetwork.tapV4, port: 2152, pps: 5_000, payloadBytes: 18 } satisfies UdpLoad
const rules = [{ name: 'gtpu', match: 'udp port 2152', to: 'forward' }]

/** Datagrams that reached the pod's kernel and found no socket. */
async function unwanted({ pod }: Lab): Promise<number> {
  const snmp = await readFile(`/proc/${pod.pid}/net/snmp`, 'utf8')
  const [names, values] = snmp.split('\n').filter((line) => line.startsWith('Udp: '))
  return Number(values?.split(' ')[names?.split(' ').indexOf('NoPorts') ?? -1])
}

async function packetsOf(lab: Lab, rule: string): Promise<number> {
  const { rules } = await lab.instance.status()
  return rules.inForce.find(({ name }) => name === rule)?.packets ?? 0
}

describe('the fast path', () => {
  test('takes a user plane that a rule sends there past the kernel, although it is addressed to the tap', async () => {
    const lab = await readyLab({ settings: (settings) => ({ ...settings, rules }) })
    const udp = startUdp(lab.peer, programs, gtpu, failTest)
    alsoClose(() => udp.stop())
    await eventually('1000 packets by the rule', async () => (await packetsOf(lab, 'gtpu')) >= 1000)
    expect((await readNetdev(lab.peer.pid, labNetwork.peer)).rxPackets).toBeGreaterThan(900)
    expect(await unwanted(lab)).toBe(0)
  })

  test('leaves the same packets to the kernel without that rule', async () => {
    const lab = await readyLab()
    const udp = startUdp(lab.peer, programs, gtpu, failTest)
    alsoClose(() => udp.stop())
    await eventually('1000 packets by the rule "local"', async () => (await packetsOf(lab, 'local')) >= 1000)
    await eventually('1000 datagrams in the kernel', async () => (await unwanted(lab)) >= 1000)
  })
})
