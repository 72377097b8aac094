import { chmodSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { afterEach, describe, expect, test } from 'vitest'
import { endCommands } from './built-command.js'
import { inNetns } from './restrictions.js'
import { eventually, nullPorts, startRun } from './run-process.js'

const isRoot = process.getuid?.() === 0
if (!isRoot && process.env.CI) throw new Error('the tests of af_packet need root')

afterEach(endCommands)

/** As spillway-launch leaves a container that was granted these and nothing else. */
function runWith(capabilities: string) {
  // The folder of this run lies in the tests' own, which others may not pass.
  chmodSync(tmpdir(), statSync(tmpdir()).mode | 0o011)
  const sets = ['--inh-caps', '--ambient-caps'].flatMap((set) => [set, capabilities])
  const user = [
    'setpriv',
    '--reuid=1001',
    '--regid=1001',
    '--clear-groups',
    ...sets,
    `--bounding-set=-all,${capabilities}`,
  ]
  const ports = [{ name: 'a', device: 'net_af_packet0,iface=p0', exception: { backend: 'none' } }]
  const veth = 'ip link set lo up; ip link add p0 type veth peer name p1; ip link set p0 up; ip link set p1 up'
  const config = { http: nullPorts.http, memory: { pageSize: 'none' }, ports }
  return startRun(config, { below: [...inNetns(veth), ...user], uid: 1001 })
}

describe.skipIf(!isRoot)(`an af_packet port of uid 1001${isRoot ? '' : ' (needs root)'}`, () => {
  test('starts with NET_RAW and NET_ADMIN', async () => {
    const run = runWith('+net_raw,+net_admin')
    await eventually('it runs', () => {
      if (run.child.exitCode !== null) throw new Error(`it ended with ${run.child.exitCode}: ${run.stderr()}`)
      return run.stderr().includes('"msg":"rule list in force"') || undefined
    })
    run.child.kill('SIGTERM')
    expect(await run.ended).toMatchObject({ exitCode: 0 })
  })

  test('is refused with NET_RAW alone before DPDK fails to set promiscuous mode', async () => {
    const run = runWith('+net_raw')
    expect(await run.ended).toMatchObject({ exitCode: 69 })
    expect(run.stderr()).toContain('"code":"net-admin-missing"')
    expect(run.stderr()).not.toContain('"code":"net-raw-missing"')
  })
})
