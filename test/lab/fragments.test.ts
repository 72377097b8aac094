import { afterEach, describe, expect, test } from 'vitest'
import { labNetwork } from '../../src/lab/topology.js'
import { eventually } from '../eventually.js'
import { closeLabs, type Lab, readyLab } from './lab-fixture.js'
import { ping } from './ping.js'

afterEach(closeLabs)

/** Three fragments at the lab's MTU, of which two carry no ports. */
const payloadBytes = 3000
const all = { sent: 3, received: 3, duplicates: 0 }
const none = { ...all, received: 0 }
const { tapV4, tapV6 } = labNetwork

async function droppedFor(lab: Lab, reason: string): Promise<number | undefined> {
  return (await lab.instance.status()).ports[0]?.totals.dropped[reason]
}

describe('fragments for the tap', () => {
  test('reach the kernel by the rule "local", all of them', async ({ skip }) => {
    const lab = await readyLab()
    if (!lab.topology.ipv6) skip('this machine has no IPv6')
    expect(await ping(lab.peer, tapV6, 3, payloadBytes)).toEqual(all)
  })

  test('go where exceptionPath.fragments says, and whole packets do not', async ({ skip }) => {
    const lab = await readyLab({ settings: (settings) => ({ ...settings, exceptionPath: { fragments: 'drop' } }) })
    if (!lab.topology.ipv6) skip('this machine has no IPv6')
    expect(await ping(lab.peer, tapV6)).toEqual(all)
    expect(await ping(lab.peer, tapV6, 3, payloadBytes)).toEqual(none)
    await eventually('two fragments of each ping are counted', async () =>
      (await droppedFor(lab, 'rule')) === 6 ? true : undefined,
    )
  })

  // net_af_packet asks for PACKET_FANOUT_FLAG_DEFRAG: the kernel joins IPv4 fragments before the port receives them.
  test('that the af_packet driver has joined above the MTU are dropped as over-long, not lost', async () => {
    const lab = await readyLab()
    expect(await ping(lab.peer, tapV4, 3, payloadBytes)).toEqual(none)
    await eventually('each joined ping is counted', async () =>
      (await droppedFor(lab, 'oversize')) === 3 ? true : undefined,
    )
  })
})
