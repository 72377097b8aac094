import { describe, expect, it } from 'vitest'
import { loadConfig } from '../../../src/config/load.js'
import { parseVlanList } from '../../../src/config/vlan-list.js'
import { problems } from './fixtures.js'

describe('a list of VLANs', () => {
  it('is ids and ranges, in ascending order and each once', () => {
    expect(parseVlanList([100, '200-203', '201', 100, 4094])).toEqual([100, 200, 201, 202, 203, 4094])
    expect(parseVlanList([])).toEqual([])
  })

  it.each([[0], [4095], ['5-3'], ['1-4095'], ['a'], ['1-2-3'], [-1], [1.5], ['']])('has no %s', (entry) => {
    expect(parseVlanList([entry])).toBeUndefined()
  })

  it('is refused in the configuration with what was expected', () => {
    expect(problems('ports: [{ vlans: [100, "4000-5000"] }]')).toEqual([
      expect.stringContaining('ports[0].vlans: expected a list of at most 256 VLAN ids from 1 to 4094 and ranges'),
    ])
    const { config } = loadConfig({ flags: [{ flag: '--set', path: 'ports.0.vlans', text: '[100, "200-210"]' }] })
    expect(config.ports[0]?.vlans).toEqual([100, '200-210'])
  })
})
