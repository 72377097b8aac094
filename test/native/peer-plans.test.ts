import { afterEach, describe, expect, test } from 'vitest'
import { endCommands } from './built-command.js'
import { eventually, nullPorts, startRun } from './run-process.js'

afterEach(endCommands)

/** Test plans of DPDK's own test suite that need no device, by their names (docs/conformance.md). */
describe("DPDK's test plans of a program's life", () => {
  test('short_live / 1 to 5: twenty starts, ended by SIGINT and SIGTERM in turn, forward and end cleanly', async () => {
    for (let round = 0; round < 20; round++) {
      const run = startRun(nullPorts)
      await run.ready()
      await eventually('packets', async () => ((await run.status()).ports[0]?.totals.forwarded ?? 0) > 0 || undefined)
      run.child.kill(round % 2 === 0 ? 'SIGINT' : 'SIGTERM')
      expect(await run.ended, `round ${round}`).toEqual({ exitCode: 0, signal: null })
      expect(run.stderr()).not.toContain('did not come back')
      await endCommands()
    }
  }, 180_000)

  const [first] = nullPorts.ports
  test.each([
    ['of a driver that is not there', 'net_nosuch0', 'ERR_DEVICE'],
    ['of arguments that the driver does not know', 'net_null1,nosuch=1', 'ERR_DEVICE'],
    ['of a netdev that is not there', 'net_af_packet0,iface=nosuch', 'ERR_DEVICE'],
  ])('hotplug / attach %s is refused by name, before anything forwards', async (_, device, code) => {
    const run = startRun({ ...nullPorts, ports: [first, { ...first, name: 'b', device }] })
    const { exitCode } = await run.ended
    expect(exitCode).toBe(69)
    expect(run.stderr()).toContain(`spillway: ${code}: `)
    expect(run.stderr()).toContain(device)
  })

  test('hotplug_mp / attaching one device twice is refused and names the device', async () => {
    const run = startRun({ ...nullPorts, ports: [first, { ...first, name: 'b' }] })
    const { exitCode } = await run.ended
    expect(exitCode).toBe(78)
    expect(run.stderr()).toContain('ERR_CONFIG: ports[1].device: expected a device of its own, found "net_null0"')
  })
})
