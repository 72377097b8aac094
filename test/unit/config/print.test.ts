import { describe, expect, it } from 'vitest'
import { loadConfig } from '../../../src/config/load.js'
import { printJson, printText, printYaml } from '../../../src/config/print.js'
import { load, set, withFile } from './fixtures.js'

const text = `lcores: "1-2"
ports: [{ name: east, device: "net_null0", mtu: 9000 }]
forwarding: { ethPeer: { east: "50:00:00:00:00:01" } }
rules:
  - { name: bgp, match: tcp port 179, to: kernel }
`
const printed = (print: typeof printText) =>
  withFile(text, (file) =>
    print(loadConfig({ file, env: { SPILLWAY_BURST: '64' }, flags: [set('http.listen', ':80', '--http')] })).replaceAll(
      file,
      'FILE',
    ),
  )

describe('the effective configuration', () => {
  it.each([
    ['txt', printText],
    ['json', printJson],
    ['yaml', printYaml],
  ])('is printed with the origin of each value: %s', async (ending, print) => {
    await expect(printed(print)).toMatchFileSnapshot(`../../golden/config/effective.${ending}`)
  })

  it('printed as YAML is a configuration with the same effect', () => {
    expect(load(printed(printYaml)).config).toEqual(JSON.parse(printed(printJson)).config)
  })
})
