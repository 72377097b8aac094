import { describe, expect, test } from 'vitest'
import type { StartInfo } from '../../../src/ipc/messages.js'
import type { Plan } from '../../../src/plan/types.js'
import { otherMacs } from '../../../src/supervisor/other-macs.js'

const promised = '02:00:00:00:00:10'
const madeUp = 'ee:0f:e4:26:cc:fe'
const planned = (network: string | null, mac: string | null) => [{ name: 'vf0', network, mac }] as Plan['ports']
const found = (mac: string, name = 'vf0') => [{ name, mac }] as StartInfo['ports']

describe('the MAC addresses of the ports that came up', () => {
  test('tell a VF whose PF did not answer by an address that network-status does not know', () => {
    expect(otherMacs(planned('test/sriov', promised), found(madeUp))).toEqual([
      {
        port: 'vf0',
        needed: `${promised}, as network test/sriov has it`,
        found: madeUp,
        cause: expect.stringMatching(/PF of this VF is down/),
        remedy: expect.stringMatching(/ip link set PF up/),
      },
    ])
  })

  test.each([
    ['that are as promised', planned('test/sriov', promised), found(promised)],
    ['of which only the tap gave a guess', planned(null, promised), found(madeUp)],
    ['of which nothing is known', planned('test/sriov', null), found(madeUp)],
    ['of another port', planned('test/sriov', promised), found(madeUp, 'vf1')],
  ])('say nothing %s', (_what, ports, infos) => {
    expect(otherMacs(ports, infos)).toEqual([])
  })
})
