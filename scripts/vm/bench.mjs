import { writeFileSync } from 'node:fs'
import { cpus, loadavg } from 'node:os'
import { join } from 'node:path'
import { root } from '../setup/paths.mjs'
import { Guest } from './guest.mjs'
import { makePod, podEnvironment, podNetwork, podUid } from './pod.mjs'
import { accelerator, checkQemu } from './qemu.mjs'

/** The CPU that polls, like a node's isolated ones: vhost's kernel threads and everything else stay off it. */
const pollingCpu = 2
/** Vcpus on threads of their own: the polling one is to poll while the others work. @type {import('./qemu.mjs').MachineSpec} */
const guestMachine = { kernelArguments: [`isolcpus=${pollingCpu}`], threads: 'each' }
const jsonInGuest = '/run/bench.json'

/**
 * Runs a benchmark of `dist/bench` in the pod's network namespace of a guest that it boots for that; the table goes to
 * stdout, progress to stderr.
 *
 * @param {string} program
 * @param {{ rounds?: string | undefined, backend?: string | undefined, json?: string | undefined }} options
 * @returns {Promise<boolean>} whether it ended well
 */
export async function benchInGuest(program, { rounds, backend, json }) {
  const host = describeHost()
  const guest = await Guest.boot(guestMachine)
  try {
    const node = await makePod(guest)
    const argv = ['ip', 'netns', 'exec', 'pod', 'taskset', '-c', `0-${pollingCpu}`]
    const options = ['--testbed', testbed(node), '--host', host, '--json', jsonInGuest]
    const given = Object.entries({ rounds, backend }).flatMap(([name, value]) => (value ? [`--${name}`, value] : []))
    const { exitCode } = await guest.run([...argv, process.execPath, `dist/bench/${program}`, ...options, ...given], {
      env: podEnvironment(node),
      cwd: root,
      deadlineMs: 2 ** 31 - 1,
      onOutput: (name, text) => process[name].write(text),
    })
    if (exitCode === 0 && json !== undefined) writeFileSync(json, await guest.must(['cat', jsonInGuest]))
    return exitCode === 0
  } finally {
    await guest.shutdown()
  }
}

function testbed(/** @type {import('./pod.mjs').Node} */ { vfs }) {
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
    endpoint: join(import.meta.dirname, 'guest/udp-endpoint.py'),
  })
}

/** With the load before the guest was there: what others do on the same CPUs is in the figures. */
function describeHost() {
  const [cpu] = cpus()
  const [load = 0] = loadavg()
  return `QEMU ${checkQemu()} (${accelerator(guestMachine)}) on ${cpus().length} CPUs, ${cpu?.model.trim()}, load ${load.toFixed(1)} before`
}
