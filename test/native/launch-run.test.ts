import { chownSync, copyFileSync, cpSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { loadConfig } from '../../src/config/load.js'
import { discoverEnvironment } from '../../src/environment/discover.js'
import { makePlan } from '../../src/plan/plan.js'
import type { Plan } from '../../src/plan/types.js'
import { endCommands } from './built-command.js'
import {
  capability,
  checkout,
  copyWithCapabilities,
  entrypoint,
  makeImageFolder,
  missingForContainers,
  programs,
  removeImageFolders,
  runInContainer,
  setCapabilities,
} from './container.js'
import { buildLauncher, everyCapability, mask } from './launcher.js'
import { eventually, nullPorts, type RunProcess, startRun } from './run-process.js'

afterEach(endCommands)
afterAll(removeImageFolders)

const missing = missingForContainers() ?? (allowedCpus().length > 1 ? undefined : 'two CPUs')
if (missing !== undefined && process.env.CI) throw new Error(`the tests of a launched run need ${missing}`)

function allowedCpus(): number[] {
  return cpus(/^Cpus_allowed_list:\s+(\S+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '')
}

function cpus(list: string): number[] {
  return list.split(',').flatMap((range) => {
    const [first = 0, last = first] = range.split('-').map(Number)
    return Array.from({ length: last - first + 1 }, (_, at) => first + at)
  })
}

/** The threads of a process by name, each with the CPUs it may use. */
function threads(pid: number): { readonly name: string; readonly cpus: readonly number[] }[] {
  return readdirSync(`/proc/${pid}/task`).map((tid) => {
    const task = `/proc/${pid}/task/${tid}`
    const list = /^Cpus_allowed_list:\s+(\S+)$/m.exec(readFileSync(`${task}/status`, 'utf8'))?.[1] ?? ''
    return { name: readFileSync(`${task}/comm`, 'utf8').trim(), cpus: cpus(list) }
  })
}

function statusOf(pid: number): Record<string, string> {
  const lines = readFileSync(`/proc/${pid}/status`, 'utf8').split('\n')
  return Object.fromEntries(lines.map((line) => line.split(/:\s*/) as [string, string]))
}

function makeFolderFor(uid: number): string {
  const folder = makeImageFolder()
  chownSync(folder, uid, uid)
  return folder
}

describe.skipIf(missing !== undefined)(`the launcher as entrypoint${missing ? ` (needs ${missing})` : ''}`, () => {
  /** `allowPrivilegeEscalation: false`, uid 1001, IPC_LOCK added, 64 KiB of memlock. */
  const pod = { added: capability.ipcLock, noNewPrivs: true }
  let launcher: string
  const settings = ['memory.pageSize=none', 'ports.0.device=net_null0', 'ports.0.exception.backend=none'].flatMap(
    (setting) => ['--set', setting],
  )
  beforeAll(() => {
    launcher = join(makeImageFolder(), 'spillway-launch')
    copyFileSync(`${programs}/spillway-launch`, launcher)
    setCapabilities(launcher, everyCapability)
  })

  const start = (): RunProcess =>
    startRun({ ...nullPorts, lcores: 'auto' }, { below: entrypoint(pod, [launcher]), entry: [], uid: 1001 })

  test('forwards, with the granted capability in supervisor and worker, as a process that is not secure', async () => {
    const run = start()
    const { worker } = await run.ready()
    await eventually('packets', async () => ((await run.status()).ports[0]?.totals.rxPackets ?? 0) > 0 || undefined)
    for (const pid of [run.child.pid ?? 0, worker.pid ?? 0]) {
      const status = statusOf(pid)
      expect(status).toMatchObject({ Uid: '1001\t1001\t1001\t1001', NoNewPrivs: '1' })
      expect(mask(status.CapEff)).toBe(capability.ipcLock)
      expect(readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')[0]).toBe(process.execPath)
    }
    run.child.kill('SIGTERM')
    expect(await run.ended).toEqual({ exitCode: 0, signal: null })
  })

  test('keeps every thread but the worker lcores on the housekeeping CPU', async () => {
    const run = start()
    const { worker } = await run.ready()
    const [lowest, ...polling] = allowedCpus()
    expect(threads(run.child.pid ?? 0).filter((thread) => thread.cpus.join() !== String(lowest))).toEqual([])
    const elsewhere = threads(worker.pid ?? 0).filter((thread) => thread.cpus.join() !== String(lowest))
    expect(elsewhere.map((thread) => thread.cpus)).toEqual(polling.map((cpuId) => [cpuId]))
    expect(elsewhere.every(({ name }) => /lcore|worker/.test(name))).toBe(true)
  })

  test('lets the plan see all CPUs of the pod', () => {
    const { stdout, stderr, exitCode } = runInContainer(pod, launcher, 'plan', ...settings, '--format', 'json')
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' })
    const { housekeeping, polling } = JSON.parse(stdout).cpus
    expect([...housekeeping, ...polling].sort()).toEqual(allowedCpus().sort())
  })
  test('gives the program of exec what was granted too', () => {
    const program = `${programs}/spillway-show-privileges`
    const { stdout, stderr, exitCode } = runInContainer(
      { ...pod, env: { RUNTIME_DIRECTORY: makeFolderFor(1001) } },
      ...[launcher, 'exec', '--http', '127.0.0.1:0', ...settings, '--', program],
    )
    expect(exitCode, stderr).toBe(0)
    expect(stdout).toMatch(/CapEff\s+0000000000004000\n/)
    expect(stdout).toContain('AtSecure 0\n')
    expect(stdout).toContain('Mlock ok\n')
  })

  test("looks for programs that get its capabilities in root's folders, not in the caller's", () => {
    const [hostile, folder] = [makeImageFolder(), makeFolderFor(1001)]
    const traces = join(folder, 'traces')
    for (const tool of ['taskset', 'setpriv']) {
      const script = `#!/bin/sh\ncat /proc/self/status >> ${traces}\nexec /usr/bin/${tool} "$@"\n`
      writeFileSync(join(hostile, tool), script, { mode: 0o755 })
    }
    const env = { RUNTIME_DIRECTORY: folder, PATH: `${hostile}:${process.env.PATH}` }
    const words = ['exec', '--http', '127.0.0.1:0', ...settings, '--', '/bin/true']
    expect(runInContainer({ ...pod, env }, launcher, ...words).exitCode).toBe(0)
    expect(existsSync(traces)).toBe(false)
    // The scripts do leave traces where the caller's PATH counts.
    runInContainer({ env }, launcher, ...words)
    expect(existsSync(traces)).toBe(true)
  })

  describe('seen by the doctor', () => {
    const command = `${checkout}/bin/spillway.mjs`
    const node = (capabilities: string): string =>
      copyWithCapabilities(process.execPath, join(makeImageFolder(), 'node'), capabilities)
    /** Findings about how node runs, by code; the configuration has nothing to do with them. */
    const codes = (...words: string[]): string[] => {
      const asked = ['doctor', '--json', '--no-probes', ...settings]
      const { stdout, stderr } = runInContainer(pod, ...words, ...asked)
      if (stdout === '') throw new Error(stderr)
      const { findings } = JSON.parse(stdout) as { findings: { code: string; found: string }[] }
      return findings
        .filter(({ code }) => /secure|dumpable|capabilities-ok/.test(code))
        .map(({ code, found }) => `${code}: ${found}`)
    }

    test('a launched node is a plain program with what was granted', () => {
      expect(codes(launcher)).toEqual([
        'secure-execution-ok: AT_SECURE=0, started by spillway-launch',
        'capabilities-ok: effective: CAP_IPC_LOCK, raised by spillway-launch',
      ])
    })

    test('a node with file capabilities is not', () => {
      const seen = codes(node('cap_ipc_lock+ep'), command)
      expect(seen).toEqual(['node-at-secure: AT_SECURE=1', 'capabilities-ok: effective: CAP_IPC_LOCK'])
    })

    test('a plain node has nothing', () => {
      const seen = codes(process.execPath, command)
      expect(seen).toEqual(['secure-execution-ok: AT_SECURE=0', expect.stringMatching(/^capabilities-ok: .*none/)])
    })
  })

  describe('of a pod with a vfio VF', () => {
    const capabilityLines = /^(Cap\w+|NoNewPrivs):.*$/gm
    const host = `${checkout}/test/fixtures/hosts/openshift-pod`

    /** That pod, with the privileges and limits that a program started in this way really has. */
    const planOf = (...command: string[]): Plan => {
      const folder = join(makeImageFolder(), 'host')
      cpSync(host, folder, { recursive: true, verbatimSymlinks: true })
      const { stdout } = runInContainer(pod, ...command)
      const limits = stdout.slice(stdout.indexOf('Limit  '))
      const lines = new Map(stdout.match(capabilityLines)?.map((line) => [line.split(':')[0], line]))
      const status = readFileSync(`${host}/proc/self/status`, 'utf8')
      writeFileSync(
        `${folder}/proc/self/status`,
        status.replaceAll(capabilityLines, (line, name) => lines.get(name) ?? line),
      )
      writeFileSync(`${folder}/proc/self/limits`, limits)
      return makePlan(loadConfig({ env: {}, file: undefined }).config, discoverEnvironment(folder))
    }

    test('says that IPC_LOCK is in force below the launcher, and that nothing is without it', () => {
      const file = join(makeImageFolder(), 'launcher')
      const launched = planOf(
        buildLauncher(file, { node: '/bin/cat', entry: '/proc/self/status' }),
        '/proc/self/limits',
      )
      expect(launched.vfio.pinning).toBe('ipc-lock')
      const plain = planOf('/bin/cat', '/proc/self/status', '/proc/self/limits')
      expect(plain.vfio.pinning).toBe('insufficient')
      expect(plain.vfio.lockMib).toBe(launched.vfio.lockMib)
    })
  })
})
