import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  type Container,
  capability,
  copyWithCapabilities,
  makeImageFolder,
  missingForContainers,
  programs,
  removeImageFolders,
  runInContainer,
} from './container.js'
import { buildLauncher, launch, mask } from './launcher.js'

afterAll(removeImageFolders)

const missing = missingForContainers()
if (missing !== undefined && process.env.CI) throw new Error(`the tests of privileges need ${missing}`)

const { ipcLock, netAdmin, netRaw, netBindService } = capability
const show = `${programs}/spillway-show-privileges`

/** What a program has, in one line, to be compared with the table in docs/privileges.md. */
function privileges(container: Container, ...command: string[]): Record<string, string> {
  const { exitCode, stdout, stderr } = runInContainer(container, ...command)
  if (exitCode !== 0) return { exit: String(exitCode), stderr }
  const lines = Object.fromEntries(
    stdout
      .trimEnd()
      .split('\n')
      .map((line) => line.split(/\s+/)),
  )
  const { CapEff, AtSecure, Dumpable, Environ, Pagemap, Mlock } = lines
  return {
    effective: mask(CapEff).toString(16),
    secure: AtSecure,
    dumpable: Dumpable,
    ownFiles: Environ === 'ok' && Pagemap === 'ok' ? 'readable' : `${Environ}, ${Pagemap}`,
    mlock: Mlock,
  }
}

const shell = ['/bin/bash', '-c', '"$0"; exit $?']
const without = { effective: '0', mlock: 'ENOMEM' }
const with_ = { effective: ipcLock.toString(16), mlock: 'ok' }

describe.skipIf(missing !== undefined)(`uid 1001 and what the pod adds${missing ? ` (needs ${missing})` : ''}`, () => {
  let image: string
  let withEp: string
  let withEi: string
  let withTwo: string
  let withP: string
  beforeAll(() => {
    image = makeImageFolder()
    withEp = copyWithCapabilities(show, join(image, 'ep'), 'cap_ipc_lock+ep')
    withEi = copyWithCapabilities(show, join(image, 'ei'), 'cap_ipc_lock+ei')
    withTwo = copyWithCapabilities(show, join(image, 'two'), 'cap_ipc_lock,cap_net_raw+ep')
    withP = copyWithCapabilities(show, join(image, 'p'), 'cap_ipc_lock,cap_net_raw+p')
  })
  const readable = { dumpable: '1', ownFiles: 'readable' }

  test.each([false, true])('is lost without file capabilities (no_new_privs %s)', (noNewPrivs) => {
    expect(privileges({ added: ipcLock, noNewPrivs }, show)).toEqual({ ...without, ...readable, secure: '0' })
  })

  test.each([false, true])('stays in an entrypoint with +ep, which is secure (no_new_privs %s)', (noNewPrivs) => {
    expect(privileges({ added: ipcLock, noNewPrivs }, withEp)).toEqual({ ...with_, ...readable, secure: '1' })
  })

  test('is lost with +ep below a shell and no_new_privs', () => {
    const seen = privileges({ added: ipcLock, noNewPrivs: true }, ...shell, withEp)
    expect(seen).toEqual({ ...without, ...readable, secure: '1' })
  })

  test('comes back with +ep below a shell without no_new_privs, and hides the own /proc files', () => {
    const seen = privileges({ added: ipcLock }, ...shell, withEp)
    expect(seen).toMatchObject({ ...with_, secure: '1', ownFiles: 'EACCES, EACCES' })
    expect(seen.dumpable).not.toBe('1')
  })

  test('keeps a file with +ep from starting when one of its capabilities is not bounding', () => {
    const { exit, stderr } = privileges({ added: ipcLock }, withTwo)
    expect({ exit, stderr }).toEqual({ exit: '126', stderr: expect.stringContaining('Operation not permitted') })
  })

  test('is permitted but not effective in a file with +p, also when one of its capabilities is not bounding', () => {
    const { stdout } = runInContainer({ added: ipcLock }, withP)
    expect(stdout).toMatch(/CapPrm\s+0000000000004000\n/)
    expect(privileges({ added: ipcLock }, withP)).toEqual({ ...without, ...readable, secure: '1' })
  })

  test('is lost when the runtime has an empty permitted set at the exec, with no_new_privs', () => {
    const container = { added: ipcLock, permitted: 0n, noNewPrivs: true }
    expect(privileges(container, withEp)).toEqual({ ...without, ...readable, secure: '1' })
  })

  test('comes with +ei when the runtime adds inheritable capabilities', () => {
    const container = { added: ipcLock, inheritable: ipcLock, noNewPrivs: true }
    expect(privileges(container, withEi)).toEqual({ ...with_, ...readable, secure: '1' })
  })

  test('is not needed to lock memory below the limit', () => {
    expect(privileges({ memlockBytes: 2 ** 21 }, show)).toMatchObject({ effective: '0', mlock: 'ok' })
  })

  describe('node with file capabilities', () => {
    let node: string
    beforeAll(() => {
      node = copyWithCapabilities(process.execPath, join(image, 'node-ep'), 'cap_ipc_lock+ep')
    })
    const heapLimit = 'v8.getHeapStatistics().heap_size_limit / 2 ** 20'
    const env = { NODE_OPTIONS: '--max-old-space-size=200', LD_LIBRARY_PATH: '/nowhere' }
    const ask = (expression: string): string => {
      const { stdout, stderr } = runInContainer({ added: ipcLock, noNewPrivs: true, env }, node, '-p', expression)
      return stdout.trim() || stderr
    }

    test('ignores NODE_OPTIONS, which stays to be seen, and gets no LD_LIBRARY_PATH', () => {
      expect(Number(ask(heapLimit))).toBeGreaterThan(400)
      expect(ask('process.env.NODE_OPTIONS')).toBe(env.NODE_OPTIONS)
      expect(ask('process.env.LD_LIBRARY_PATH')).toBe('undefined')
    })

    test('has children without capabilities', () => {
      const child = ask(`child_process.execFileSync(${JSON.stringify(show)}, {encoding: 'utf8'})`)
      expect(child).toMatch(/CapEff\s+0000000000000000/)
      expect(ask(`fs.readFileSync('/proc/self/status', 'utf8')`)).toMatch(/CapEff:\s+0000000000004000/)
    })
  })

  describe('the launcher', () => {
    let launcher: string
    beforeAll(() => {
      launcher = buildLauncher(join(image, 'launcher'))
    })

    test.each([
      ['as entrypoint, no_new_privs', { noNewPrivs: true }, []],
      ['as entrypoint', {}, []],
      ['through a shell, no no_new_privs', {}, shell],
    ] as const)('gives a plain node, and its children, what the pod adds: %s', (_name, container, through) => {
      const report = launch({ added: ipcLock, ...container }, ...through, launcher)
      for (const set of ['CapEff', 'CapPrm', 'CapInh', 'CapAmb']) expect(mask(report.status[set])).toBe(ipcLock)
      expect(report).toMatchObject({ secure: false, environ: 'ok', pagemap: 'ok', stderr: '' })
      expect(report.child).toMatchObject({ AtSecure: '0', Dumpable: '1', Mlock: 'ok' })
      expect(mask(report.child.CapEff)).toBe(ipcLock)
    })

    test('starts node without capabilities below a shell with no_new_privs, and says nothing', () => {
      const report = launch({ added: ipcLock, noNewPrivs: true }, ...shell, launcher)
      expect(mask(report.status.CapPrm)).toBe(0n)
      expect(report).toMatchObject({ secure: false, environ: 'ok', stderr: '', child: { Mlock: 'ENOMEM' } })
    })

    test.each([
      ['all three', ipcLock | netRaw | netAdmin, ipcLock | netRaw | netAdmin],
      ['one missing in the bounding set', ipcLock | netAdmin, ipcLock | netAdmin],
      ['none', 0n, 0n],
      ['one that no data plane uses', ipcLock | netBindService, ipcLock],
    ])('passes on what the pod adds and no more: %s', (_name, added, expected) => {
      const { status } = launch({ added, noNewPrivs: true }, launcher)
      for (const set of ['CapEff', 'CapPrm', 'CapInh', 'CapAmb']) expect(mask(status[set])).toBe(expected)
      expect(mask(status.CapBnd)).toBe(added)
    })

    test('drops ambient capabilities of the runtime that a data plane does not use', () => {
      const container = { added: netBindService, inheritable: netBindService, ambient: netBindService }
      const { status } = launch(container, launcher)
      for (const set of ['CapEff', 'CapPrm', 'CapInh', 'CapAmb']) expect(mask(status[set])).toBe(0n)
    })

    test('passes on nothing that is not in the bounding set, even if it is ambient', () => {
      const plain = buildLauncher(join(image, 'not-bounding'), { capabilities: '' })
      const all = { permitted: ipcLock | netRaw, inheritable: ipcLock | netRaw, ambient: ipcLock | netRaw }
      expect(privileges({ added: netRaw, ...all }, show).effective).toBe((ipcLock | netRaw).toString(16))
      expect(mask(launch({ added: netRaw, ...all }, plain).status.CapEff)).toBe(netRaw)
    })

    test('works without file capabilities: from a runtime with ambient ones, or with none at all', () => {
      const plain = buildLauncher(join(image, 'plain'), { capabilities: '' })
      const ambient = { added: ipcLock, inheritable: ipcLock, ambient: ipcLock, noNewPrivs: true }
      expect(mask(launch(ambient, plain).status.CapEff)).toBe(ipcLock)
      expect(mask(launch({ added: ipcLock, noNewPrivs: true }, plain).status.CapEff)).toBe(0n)
      expect(launch({}, plain).stderr).toBe('')
    })

    test('gives nothing when the runtime has an empty permitted set at the exec and no_new_privs', () => {
      const report = launch({ added: ipcLock, permitted: 0n, noNewPrivs: true }, launcher)
      expect(mask(report.status.CapEff)).toBe(0n)
      expect(report).toMatchObject({ secure: false, environ: 'ok', child: { Mlock: 'ENOMEM' } })
    })

    test('leaves root, whom the kernel gives the bounding set, as it is', () => {
      const { status } = launch({ added: ipcLock | netBindService, uid: 0 }, launcher)
      expect(mask(status.CapEff)).toBe(ipcLock | netBindService)
      expect(mask(status.CapAmb)).toBe(0n)
    })
  })

  test('the prover gives up what it inherits', () => {
    const ambient = { added: ipcLock | netRaw, inheritable: ipcLock | netRaw, ambient: ipcLock | netRaw }
    const script = `coproc exec "$0"; status=/proc/$COPROC_PID/status
      grep CapPrm /proc/$$/status
      until grep -q "NoNewPrivs:.1" $status; do :; done; grep -E "^Cap(Prm|Eff|Amb)" $status; kill $COPROC_PID`
    const { stdout } = runInContainer(ambient, '/bin/bash', '-c', script, `${programs}/spillway-prover`)
    const [before, ...after] = stdout
      .trimEnd()
      .split('\n')
      .map((line) => line.split('\t')[1])
    expect(mask(before)).toBe(ipcLock | netRaw)
    expect(after.map(mask)).toEqual([0n, 0n, 0n])
  })
})
