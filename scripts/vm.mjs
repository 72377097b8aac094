/**
 * `npm run vm -- COMMAND ARGUMENT...` runs one command in a guest and hands on its output and exit code; without a
 * command, a shell. The guest has the network of the guide's pod (scripts/vm/pod.mjs), and this machine's files, to which
 * nothing is written. `--bare` leaves the network out, `--backports` boots the newest kernel that this Debian has.
 */
import { root } from './setup/paths.mjs'
import { main } from './setup/run.mjs'
import { Guest } from './vm/guest.mjs'
import { makePod, podEnvironment, podNetwork } from './vm/pod.mjs'

const shell = ['setsid', '--ctty', 'sh', '-c', 'exec bash -i </dev/ttyS1 >/dev/ttyS1 2>&1']

await main(async () => {
  const words = process.argv.slice(2)
  const first = words.findIndex((word) => !['--bare', '--backports'].includes(word))
  const command = first < 0 ? [] : words.slice(first)
  const options = words.slice(0, words.length - command.length)
  const bare = options.includes('--bare')
  const interactive = command.length === 0
  const kernel = options.includes('--backports') ? 'backports' : 'stable'
  const guest = await Guest.boot({ kernel, terminal: interactive ? 'stdio' : 'none' })
  try {
    const env = bare ? {} : podEnvironment(await makePod(guest))
    if (interactive) greet(bare)
    const { exitCode } = await guest.run(interactive ? shell : command, {
      env: { ...env, TERM: process.env.TERM ?? 'dumb' },
      cwd: root,
      deadlineMs: 2 ** 31 - 1,
      onOutput: (name, text) => process[name].write(text),
    })
    process.exitCode = exitCode ?? 1
  } finally {
    await guest.shutdown()
  }
})

function greet(/** @type {boolean} */ bare) {
  const { tapV4, peerV4, podV4 } = podNetwork
  const network = bare
    ? ''
    : `Network namespaces pod (tap ext0 ${tapV4}, eth0 ${podV4}) and peer (vf1 ${peerV4}); the VF of the pod is in
$PCIDEVICE_OPENSHIFT_IO_DPDKNIC. For example: ip netns exec pod npx --no-install spillway doctor
`
  process.stderr.write(`${network}exit powers the guest off.\n`)
}
