import fc from 'fast-check'
import { expect, it } from 'vitest'
import type { Environment } from '../../../../src/environment/types.js'
import { passiveSections } from '../../../../src/preflight/catalogue.js'
import { printFindings } from '../../../../src/preflight/print.js'
import { netdev, tap, vf } from '../../plan/fixtures.js'
import { findingsOf, mellanox, otherVfAddress, resource, vfAddress } from './fixtures.js'

/** What others write: annotations, names of netdevs and variables, addresses that are none. */
const word = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.constantFrom('', 'ext0', '10.0.0.1/33', '::/x', '/', '%n'),
)
const maybe = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary)
const address = fc.constantFrom(vfAddress, otherVfAddress)

const status = fc.record({
  network: word,
  netdev: maybe(word),
  mac: maybe(word),
  mtuBytes: maybe(fc.integer()),
  ips: fc.array(word, { maxLength: 3 }),
  default: fc.boolean(),
  device: maybe(fc.record({ type: word, pciAddress: maybe(address), rdmaDevice: maybe(word), path: maybe(word) })),
})
const request = fc.record({ network: word, netdev: maybe(word), mac: maybe(word), ips: fc.constant([]) })
const addresses = fc.array(word, { maxLength: 4 })

const pod: fc.Arbitrary<Partial<Environment['pod']>> = fc.record({
  podnetinfo: fc.boolean(),
  containerName: maybe(word),
  status: maybe(fc.array(status, { maxLength: 40 })),
  requested: maybe(fc.array(request, { maxLength: 5 })),
  problems: fc.array(word, { maxLength: 3 }),
})

const environment: fc.Arbitrary<Partial<Environment>> = fc
  .record({ tapAddresses: addresses, vfAddresses: addresses, routes: addresses, variable: word, given: address })
  .map(({ tapAddresses, vfAddresses, routes, variable, given }) => ({
    netdevs: [
      { ...tap('ext0'), addresses: tapAddresses },
      netdev('net1', { addresses: vfAddresses, routes, pciAddress: vfAddress }),
    ],
    devicePlugin: [{ ...resource(given), variable, malformed: [variable], infoProblem: variable }],
    pciDevices: [vf(vfAddress, { vendor: '15b3', driver: 'mlx5_core', netdevs: ['net1'] })],
  }))

const codes = new Set(passiveSections.flatMap((section) => Object.keys(section.codes)))

it('finds something sensible to say of every pod, whatever others wrote into it', () => {
  fc.assert(
    fc.property(environment, pod, (given, said) => {
      const findings = findingsOf(mellanox({ environment: given, pod: said }))
      expect(findings.filter(({ code }) => !codes.has(code))).toEqual([])
      const printed = printFindings(findings)
      expect(printed.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cf}]/u)
      expect(printed.length).toBeLessThan(30_000)
    }),
    { numRuns: 300 },
  )
})
