import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { tryCommand } from '../../src/lab/commands.js'
import { checkTools, explainClosedNamespaces } from '../../src/lab/prechecks.js'
import { endLabCommands, startLabCommand } from './lab-process.js'

const folders: string[] = []

afterEach(async () => {
  await endLabCommands()
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true })
})

/** A user and mount namespace in which `script` takes something away from what follows. */
function without(script: string): string[] {
  return ['unshare', '-Urm', 'sh', '-c', `${script} && exec "$@"`, 'sh']
}

/**
 * An ordinary user whose user namespaces are used up: the outer namespace may have one more, and the inner one, in
 * which uid 1234 has no rights, is that one.
 */
const usedUp = [
  ...without('echo 1 > /proc/sys/user/max_user_namespaces'),
  'unshare',
  '-U',
  '--map-user=1234',
  '--map-group=1234',
]

describe('on a machine where the lab cannot run it says why, what to do, and ends with 69', () => {
  test.each([
    ['there is no /dev/net/tun', 'mount -t tmpfs none /dev/net', /ENOENT/, /modprobe tun/],
    [
      '/dev/net/tun is closed to this user',
      'mount --bind /dev/net /dev/net && mount -o remount,bind,nodev /dev/net',
      /EACCES/,
      /chmod 0666 \/dev\/net\/tun/,
    ],
  ])('%s', async (_, script, cause, remedy) => {
    const lab = startLabCommand(['--duration', '1s', '--http', '127.0.0.1:0'], without(script))
    expect(await lab.ended).toEqual({ exitCode: 69, signal: null })
    expect(lab.stderr()).toMatch(/^spillway: ERR_TUN: .*\/dev\/net\/tun/m)
    expect(lab.stderr()).toMatch(cause)
    expect(lab.stderr()).toMatch(remedy)
  })

  test('there are no user namespaces for this user', async () => {
    const lab = startLabCommand(['--duration', '1s', '--http', '127.0.0.1:0'], usedUp)
    expect(await lab.ended).toEqual({ exitCode: 69, signal: null })
    expect(lab.stderr()).toMatch(/^spillway: ERR_NAMESPACES: .*No space left on device/m)
    expect(lab.stderr()).toMatch(/hint: .*user\.max_user_namespaces/)
  })
})

/** Tells of what kind the netdevs of the lab's pod are, as `spillway` itself discovers it there. */
const tellKinds = `
import { discoverEnvironment } from ${JSON.stringify(new URL('../../dist/environment/discover.js', import.meta.url).href)}
for (const { name, kind } of discoverEnvironment().netdevs) console.log(name, kind)`

describe('where the pod of the lab cannot have a sysfs of its own, its netdevs are of unknown kind and it works', () => {
  test.each([
    ['for comparison: it can', 'true', /^ext0 tap$/m],
    // The kernel mounts no new sysfs where that would show what was covered.
    ['a part of /sys is covered', 'mount -t tmpfs none /sys/firmware', /^ext0 unknown$/m],
    ['there are no more mount namespaces', 'echo 1 > /proc/sys/user/max_mnt_namespaces', /^ext0 unknown$/m],
  ])('%s', async (_, script, kind) => {
    const program = ['exec', '--', process.execPath, '--input-type=module', '-e', tellKinds]
    const told = startLabCommand(['--http', '127.0.0.1:0', '--', ...program], without(script))
    expect(await told.ended, told.stderr()).toEqual({ exitCode: 0, signal: null })
    expect(told.stdout()).toMatch(kind)

    const lab = startLabCommand(['--duration', '2s', '--http', '127.0.0.1:0'], without(script))
    expect(await lab.ended, lab.stderr()).toEqual({ exitCode: 0, signal: null })
    expect(lab.stdout()).toMatch(/exception path +[1-9][\d,]* packets to the kernel/)
  })
})

test('root does without user namespaces', async () => {
  const args = ['--duration', '3s', '--http', '127.0.0.1:0']
  const closed = without('echo 0 > /proc/sys/user/max_user_namespaces')
  expect((await tryCommand([...closed, 'unshare', '-Urn', 'true'])).exitCode).not.toBe(0)
  const lab = startLabCommand(args, closed)
  expect(await lab.ended, lab.stderr()).toEqual({ exitCode: 0, signal: null })
  expect(lab.stdout()).toContain('in network namespaces of its own')
})

describe('the cause of closed user namespaces', () => {
  async function hostWith(files: Record<string, string>): Promise<string> {
    const root = await mkdtemp(join(tmpdir(), 'closed-'))
    folders.push(root)
    for (const [path, text] of Object.entries(files)) {
      await mkdir(dirname(join(root, path)), { recursive: true })
      await writeFile(join(root, path), text)
    }
    return root
  }

  test.each([
    ['proc/sys/user/max_user_namespaces', '0\n', 'user.max_user_namespaces=15000'],
    ['proc/sys/user/max_net_namespaces', '0\n', 'user.max_net_namespaces=15000'],
    ['proc/sys/kernel/unprivileged_userns_clone', '0\n', 'kernel.unprivileged_userns_clone=1'],
    ['proc/sys/kernel/apparmor_restrict_unprivileged_userns', '1\n', 'kernel.apparmor_restrict_unprivileged_userns=0'],
    ['proc/self/status', 'Name:\tnode\nSeccomp:\t2\nSeccomp_filters:\t1\n', 'seccomp=unconfined'],
  ])('is found in %s', async (path, text, remedy) => {
    const root = await hostWith({ [path]: text })
    expect(explainClosedNamespaces(root).remedy).toContain(remedy)
  })

  test('is not invented where everything is open', async () => {
    const root = await hostWith({
      'proc/sys/user/max_user_namespaces': '15000\n',
      'proc/sys/kernel/unprivileged_userns_clone': '1\n',
      'proc/self/status': 'Seccomp:\t0\n',
    })
    expect(explainClosedNamespaces(root).cause).toMatch(/nothing in \/proc\/sys says why/)
  })
})

test('missing tools are named with the packages that carry them', () => {
  expect(() => checkTools('/nonexistent')).toThrow(
    expect.objectContaining({
      code: 'ERR_MISSING_TOOL',
      exitCode: 69,
      message: expect.stringMatching(/unshare, nsenter, setpriv, ip, ethtool, ping/),
      hint: expect.stringContaining('iproute2'),
    }),
  )
})
