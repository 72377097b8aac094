import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  chownSync,
  copyFileSync,
  mkdirSync,
  readFileSync,
  renameSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  capability,
  checkout,
  entrypoint,
  makeImageFolder,
  missingForContainers,
  removeImageFolders,
  runInContainer,
  setCapabilities,
} from './container.js'
import { buildLauncher, everyCapability, launch, mask } from './launcher.js'

afterAll(removeImageFolders)

const missing = missingForContainers()
if (missing !== undefined && process.env.CI) throw new Error(`the tests of privileges need ${missing}`)

const added = capability.ipcLock
const report = `${checkout}/test/fixtures/launch/report.mjs`
const allowed = /^Cpus_allowed_list:\s+(\S+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? ''
/** DP_FIXED_PATH of the launcher. */
const fixedPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'
const lowest = /^\d+/.exec(allowed)?.[0] ?? ''

describe.skipIf(missing !== undefined)(`a hostile caller${missing ? ` (needs ${missing})` : ''}`, () => {
  let image: string
  let launcher: string
  beforeAll(() => {
    image = makeImageFolder()
    launcher = buildLauncher(join(image, 'launcher'))
  })

  describe('with an environment of his own', () => {
    test('gets no code or files loaded by node, its libraries or the loader', () => {
      const env = {
        NODE_OPTIONS: '--max-old-space-size=200 --require=/nowhere.cjs',
        NODE_EXTRA_CA_CERTS: '/nowhere',
        LD_PRELOAD: '/nowhere.so',
        LD_LIBRARY_PATH: '/nowhere',
        GLIBC_TUNABLES: 'glibc.malloc.check=1',
        OPENSSL_CONF: '/nowhere',
        MLX5_GLUE_PATH: '/nowhere',
        TMPDIR: '/nowhere',
      }
      for (const granted of [added, 0n]) {
        const seen = launch({ added: granted, noNewPrivs: true, env: { ...env, KEPT: 'a=b' } }, launcher)
        for (const name of Object.keys(env)) expect(seen.environment).not.toHaveProperty(name)
        expect(seen.environment).toMatchObject({ KEPT: 'a=b', PATH: granted === 0n ? process.env.PATH : fixedPath })
        expect(seen.heapLimitMib).toBeGreaterThan(400)
        // The loader complains once, about the program that stands in for the runtime.
        expect(seen.stderr.match(/LD_PRELOAD/g)).toHaveLength(1)
      }
    })

    test('cannot name another node or entry point, nor options', () => {
      const env = { SPILLWAY_LAUNCH_NODE: '/bin/sh', SPILLWAY_LAUNCH_ENTRY: '/nowhere', LAUNCH_NODE: '/bin/sh' }
      const words = ['--node=/bin/sh', '-e', '0', '--', '', 'two\nlines', '--require=/nowhere.cjs']
      const seen = launch({ added, env }, launcher, ...words)
      expect(seen.program).toBe(report)
      expect(seen.arguments).toEqual(words)
    })

    test('cannot forge SPILLWAY_ALLOWED_CPUS', () => {
      const seen = launch({ added, env: { SPILLWAY_ALLOWED_CPUS: '0-4095' } }, launcher)
      expect(seen.environment.SPILLWAY_ALLOWED_CPUS).toBe(allowed)
      expect(seen.status.Cpus_allowed_list).toBe(lowest)
    })

    test.each([
      '',
      ' ',
      '-1',
      '8192',
      '4000-4001',
      '0-99999999999',
      '0;1',
      '0,',
      '$(id)',
      '0-1\n',
      'x'.repeat(100_000),
    ])('moves node to the lowest CPU with OPENSHIFT_SHARED_CPUS %.20j', (text) => {
      const seen = launch({ added, env: { OPENSHIFT_SHARED_CPUS: text } }, launcher)
      expect(seen.status.Cpus_allowed_list).toBe(lowest)
      expect(seen.stderr).toBe('')
    })

    test('moves node to the shared CPUs that it may use, and its children with it', () => {
      const seen = launch({ added, env: { OPENSHIFT_SHARED_CPUS: '0-8191' } }, launcher)
      expect(seen.status.Cpus_allowed_list).toBe(allowed)
      const [, last = lowest] = /(\d+)$/.exec(allowed) ?? []
      const other = launch({ added, env: { OPENSHIFT_SHARED_CPUS: `${last},8191` } }, launcher)
      expect(other.status.Cpus_allowed_list).toBe(last)
      expect(other.child.Cpus_allowed_list).toBe(last)
      expect(other.environment.SPILLWAY_ALLOWED_CPUS).toBe(allowed)
    })

    test('may have an environment of a megabyte', () => {
      const env = Object.fromEntries(Array.from({ length: 2000 }, (_, at) => [`VARIABLE_${at}`, 'x'.repeat(500)]))
      expect(Object.keys(launch({ added, env }, launcher).environment).length).toBeGreaterThan(2000)
    })
  })

  describe('who starts it in an unusual way', () => {
    test('without arguments, not even a name', () => {
      const seen = launch({ added, noArguments: true }, launcher)
      expect(seen.arguments).toEqual([])
      expect(mask(seen.status.CapEff)).toBe(added)
    })

    test.each(['0', '2', '12', '012'])(
      'with descriptors %s closed: they are /dev/null, not the next file',
      (closed) => {
        // In place of node something that opens nothing for them by itself.
        const entry = `${join(image, 'out')}-${closed}`
        writeFileSync(entry, 'readlink /proc/$$/fd/0 /proc/$$/fd/1 /proc/$$/fd/2 > "$1"')
        chmodSync(entry, 0o755)
        const shell = buildLauncher(join(image, `shell-${closed}`), { node: '/bin/bash', entry, capabilities: '' })
        mkdirSync(`${entry}.d`, { mode: 0o777 })
        chmodSync(`${entry}.d`, 0o777)
        expect(runInContainer({ closed }, shell, `${entry}.d/links`).exitCode).toBe(0)
        const links = readFileSync(`${entry}.d/links`, 'utf8').split('\n')
        for (const fd of closed) expect(links[Number(fd)]).toBe('/dev/null')
        expect(links.slice(0, 3).every((link) => link !== '')).toBe(true)
      },
    )

    test('from a file with a set-user-ID bit', () => {
      const file = join(image, 'set-user-id')
      copyFileSync(launcher, file)
      chmodSync(file, 0o4755)
      const { exitCode, stderr, stdout } = runInContainer({ added }, file)
      expect({ exitCode, stdout }).toEqual({ exitCode: 126, stdout: '' })
      expect(stderr).toMatch(/^spillway-launch: need to run as its caller, found a set-user-ID .*chmod.*\n$/)
    })
  })

  describe('when what it runs', () => {
    const refusal = (file: string, container = { added }) => {
      const { exitCode, stdout, stderr } = runInContainer(container, file)
      expect(stdout).toBe('')
      expect(stderr).toMatch(/^spillway-launch: need [^\n]+, found[^\n]+; [^\n]+\n$/)
      return { exitCode, stderr }
    }

    test('is not there, it ends with 127 and says what was built in', () => {
      const noEntry = buildLauncher(join(image, 'no-entry'), { entry: '/nowhere/spillway.mjs' })
      const noNode = buildLauncher(join(image, 'no-node'), { node: '/nowhere/node' })
      expect(refusal(noEntry)).toEqual({ exitCode: 127, stderr: expect.stringContaining('/nowhere/spillway.mjs') })
      expect(refusal(noNode)).toEqual({ exitCode: 127, stderr: expect.stringContaining('/nowhere/node') })
    })

    test('may not be read or executed, it ends with 126', () => {
      const entry = join(image, 'unreadable.mjs')
      writeFileSync(entry, '', { mode: 0o600 })
      expect(refusal(buildLauncher(join(image, 'unreadable'), { entry })).exitCode).toBe(126)
      expect(refusal(buildLauncher(join(image, 'not-a-program'), { node: report })).exitCode).toBe(126)
    })

    /** An entry point in folders of its own, and what makes it replaceable. */
    const replaceable: [string, (entry: string) => void][] = [
      ['is writable for all', (entry) => chmodSync(entry, 0o666)],
      [
        'belongs to the caller, who may change the mode',
        (entry) => {
          chownSync(entry, 1001, 0)
          chmodSync(entry, 0o444)
        },
      ],
      [
        'is writable for his group',
        (entry) => {
          chownSync(entry, 0, 1001)
          chmodSync(entry, 0o664)
        },
      ],
      ['lies in a folder that he may write', (entry) => chmodSync(dirname(entry), 0o777)],
      [
        'lies in a folder of his',
        (entry) => {
          chownSync(dirname(dirname(entry)), 1001, 1001)
          chmodSync(dirname(dirname(entry)), 0o555)
        },
      ],
      [
        'is a link to such a file',
        (entry) => {
          const target = join(dirname(entry), 'target.mjs')
          renameSync(entry, target)
          chmodSync(target, 0o666)
          symlinkSync('../app/target.mjs', entry)
        },
      ],
    ]
    let n = 0
    const makeEntry = (): string => {
      const entry = join(image, `root-${n++}`, 'app', 'entry.mjs')
      mkdirSync(dirname(entry), { recursive: true })
      copyFileSync(report, entry)
      chmodSync(entry, 0o644)
      return entry
    }

    test.each(replaceable)('%s, it passes nothing on', (_name, change) => {
      const entry = makeEntry()
      change(entry)
      const file = buildLauncher(`${dirname(entry)}-launcher`, { entry })
      expect(refusal(file)).toEqual({ exitCode: 126, stderr: expect.stringMatching(/uid 1001 may write .*chown root/) })
    })

    test.each(replaceable)('%s, it still starts it without capabilities', (_name, change) => {
      const entry = makeEntry()
      change(entry)
      const file = buildLauncher(`${dirname(entry)}-launcher`, { entry, capabilities: '' })
      expect(mask(launch({ added }, file).status.CapPrm)).toBe(0n)
    })

    test('lies in a sticky folder, as of root, it trusts it', () => {
      const entry = makeEntry()
      chmodSync(dirname(entry), 0o1777)
      const file = buildLauncher(join(image, 'sticky'), { entry })
      expect(mask(launch({ added }, file).status.CapEff)).toBe(added)
    })

    test('belongs to the caller on a read-only file system, where he can change nothing, it trusts it', () => {
      const entry = makeEntry()
      const folder = dirname(dirname(entry))
      const file = buildLauncher(join(image, 'read-only'), { entry })
      spawnSync('chown', ['-R', '1001:1001', folder])
      expect(refusal(file).exitCode).toBe(126)
      const readOnly = `mount --bind ${folder} ${folder} && mount -o remount,bind,ro ${folder} && exec "$@"`
      const [command = '', ...args] = ['unshare', '-m', 'sh', '-c', readOnly, 'sh', ...entrypoint({ added }, [file])]
      const { stdout, stderr } = spawnSync(command, args, { encoding: 'utf8', cwd: '/' })
      expect(stderr).toBe('')
      expect(mask(JSON.parse(stdout).status.CapEff)).toBe(added)
    })

    test('is a node that the caller may replace, it passes nothing on', () => {
      const node = join(dirname(makeEntry()), 'node')
      symlinkSync(process.execPath, node)
      const file = buildLauncher(join(image, 'link-to-node'), { node })
      expect(mask(launch({ added }, file).status.CapEff)).toBe(added)
      chmodSync(dirname(node), 0o777)
      expect(refusal(file).exitCode).toBe(126)
    })
  })

  test('who is granted less than the file has gets that, and an error of the kernel if the file says more than +p', () => {
    const file = join(image, 'effective')
    copyFileSync(launcher, file)
    setCapabilities(file, everyCapability.replace('+p', '+ep'))
    expect(runInContainer({ added }, file).stderr).toContain('Operation not permitted')
  })
})
