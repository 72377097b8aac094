/**
 * `npm run bench:vm -- [--rounds N] [--json FILE]`: the exception path by Spillway's backends and by dpdk-testpmd in turn,
 * in a guest with the guide's pod (scripts/vm/pod.mjs), between the same VF and the same tap. What is measured, and how,
 * is in src/bench/exception; the table is on stdout, progress on stderr.
 */
import { writeFileSync } from 'node:fs'
import { cpus, loadavg } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { root } from './setup/paths.mjs'
import { commandLine, main } from './setup/run.mjs'
import { Guest } from './vm/guest.mjs'
import { makePod, podEnvironment, podNetwork, podUid } from './vm/pod.mjs'
import { accelerator, checkQemu } from './vm/qemu.mjs'

/** The CPU that polls, like a node's isolated ones: vhost's kernel threads and everything else stay off it. */
const pollingCpu = 2
/** Vcpus on threads of their own: the polling one is to poll while the others work. @type {import('./vm/qemu.mjs').MachineSpec} */
const guestMachine = { kernelArguments: [`isolcpus=${pollingCpu}`], threads: 'each' }
const jsonInGuest = '/run/bench-vm.json'

await main(async () => {
  const words = process.argv.slice(2)
  const { values } = parseArgs({ options: { rounds: { type: 'string' }, json: { type: 'string' } } })
  const machine = host()
  const guest = await Guest.boot(guestMachine)
  try {
    const node = await makePod(guest)
    const argv = ['ip', 'netns', 'exec', 'pod', 'taskset', '-c', `0-${pollingCpu}`]
    const args = ['--testbed', testbed(node), '--host', machine, '--json', jsonInGuest, ...rounds(values.rounds)]
    const { exitCode } = await guest.run([...argv, process.execPath, 'dist/bench/exception.js', ...args], {
      env: podEnvironment(node),
      cwd: root,
      deadlineMs: 2 ** 31 - 1,
      onOutput: (name, text) => process[name].write(text),
    })
    process.exitCode = exitCode ?? 1
    if (exitCode !== 0) return
    process.stdout.write(`${commandLine(['npm', 'run', 'bench:vm', '--', ...words])}\n`)
    if (values.json !== undefined) writeFileSync(values.json, await guest.must(['cat', jsonInGuest]))
  } finally {
    await guest.shutdown()
  }
})

/** @returns {string[]} */
function rounds(/** @type {string | undefined} */ text) {
  return text === undefined ? [] : ['--rounds', text]
}

function testbed(/** @type {import('./vm/pod.mjs').Node} */ { vfs }) {
  const { vfMac, tap, tapV4, peer, peerV4 } = podNetwork
  return JSON.stringify({
    vf: vfs[0]?.pciAddress ?? '',
    mac: vfMac,
    tap,
    tapAddress: tapV4,
    peerNamespace: 'peer',
    peerNetdev: peer,
    peerAddress: peerV4,
    uid: podUid,
    endpoint: join(import.meta.dirname, 'vm/guest/udp-endpoint.py'),
  })
}

/** With the load before the guest was there: what others do on the same CPUs is in the figures. */
function host() {
  const [cpu] = cpus()
  const [load = 0] = loadavg()
  return `QEMU ${checkQemu()} (${accelerator(guestMachine)}) on ${cpus().length} CPUs, ${cpu?.model.trim()}, load ${load.toFixed(1)} before`
}
