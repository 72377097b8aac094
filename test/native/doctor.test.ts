import { execFileSync, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Finding } from '../../src/preflight/types.js'
import { endCommands } from './built-command.js'
import { asUser, inNetns, refusingMempolicy, withHugepages } from './restrictions.js'
import { eventually, nullPorts, startRun } from './run-process.js'

/** The built `spillway doctor` and the checks of `spillway run`, on this kernel. */

const command = fileURLToPath(new URL('../../bin/spillway.mjs', import.meta.url))
const isRoot = process.getuid?.() === 0
const needsRoot = isRoot ? '' : ' (needs root)'
if (!isRoot && process.env.CI) throw new Error('the tests of the doctor need root')

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'spillway-doctor-'))
})
afterEach(async () => {
  await endCommands()
  rmSync(folder, { recursive: true })
})

interface Diagnosis {
  readonly exitCode: number | null
  readonly findings: readonly Finding[]
  readonly running: boolean
  readonly stderr: string
  /** The level of a code; undefined when it was not found. */
  level(code: string): string | undefined
}

interface Doctored {
  readonly below?: string[][]
  readonly args?: string[]
  readonly env?: Record<string, string>
}

function doctor(config: object, { below = [], args = [], env = {} }: Doctored = {}): Diagnosis {
  const file = join(folder, 'spillway.yaml')
  writeFileSync(file, JSON.stringify(config), { mode: 0o644 })
  // Opened before rights are given up: the folder is closed to others.
  const opened = ['sh', '-c', 'exec "$@" 3<"$0"', file]
  const doctor = [process.execPath, command, 'doctor', '--json', '--config', '/proc/self/fd/3', ...args]
  const [program = '', ...rest] = [...opened, ...below.flat(), ...doctor]
  const { status, stdout, stderr } = spawnSync(program, rest, {
    encoding: 'utf8',
    env: { PATH: process.env.PATH, ...env },
  })
  if (stdout === '') return { exitCode: status, findings: [], running: false, stderr, level: () => undefined }
  const { findings, running } = JSON.parse(stdout) as { findings: Finding[]; running: boolean }
  const level = (code: string) => findings.find((finding) => finding.code === code)?.level
  return { exitCode: status, findings, running, stderr, level }
}

const onTap = {
  ...nullPorts,
  ports: [{ name: 'a', device: 'net_null0', exception: { backend: 'tap', tap: 'ext0' } }],
}
const pod = asUser(1001, 1001)

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  return port
}

describe('spillway doctor', () => {
  test('finds nothing that would keep two null ports from starting, and says how long it looked', () => {
    const { exitCode, findings, level } = doctor(nullPorts)
    expect(findings.filter((finding) => finding.level === 'error')).toEqual([])
    expect(exitCode).toBe(0)
    expect(level('probe-mempolicy-ok')).toBe('ok')
  })

  test('tries nothing when it is told so, and nothing on another host', () => {
    const probes = (diagnosis: Diagnosis) => diagnosis.findings.filter(({ code }) => code.startsWith('probe-'))
    expect(probes(doctor(nullPorts, { args: ['--no-probes'] }))).toEqual([])
    const host = fileURLToPath(new URL('../fixtures/hosts/openshift-pod', import.meta.url))
    expect(probes(doctor({}, { args: ['--root', host] }))).toEqual([])
  })

  test('ends with 78 and words about the key when the configuration is wrong', () => {
    const { exitCode, stderr } = doctor({ ...nullPorts, burts: 32 })
    expect(exitCode).toBe(78)
    expect(stderr).toContain('burst')
  })

  test('leaves alone what a running instance holds, and knows it by its address', async () => {
    const listen = join(folder, 'http.sock')
    const config = { ...nullPorts, http: { listen: `unix:${listen}` } }
    startRun(config)
    await eventually('it listens', () => statSync(listen, { throwIfNoEntry: false })?.isSocket() || undefined)
    expect(doctor(config).running).toBe(true)
  })

  test.skipIf(!isRoot)(
    'takes an instance of another container for what it is: somebody who has the address',
    async () => {
      const config = { ...nullPorts, http: { listen: `127.0.0.1:${await freePort()}` } }
      await startRun(config).ready()
      const { running, exitCode, findings } = doctor(config, { below: [['unshare', '-m']] })
      expect({ running, exitCode }).toEqual({ running: false, exitCode: 69 })
      const cause = expect.stringMatching(/^a Spillway of .*container/)
      expect(findings).toContainEqual(expect.objectContaining({ code: 'http-in-use', level: 'error', cause }))
    },
  )

  test.skipIf(!isRoot)('judges an instance that runs by what that found, whatever this doctor may do', async () => {
    const config = { ...nullPorts, http: { listen: `127.0.0.1:${await freePort()}` } }
    const run = startRun(config)
    await run.ready()
    const { findings: atStart } = JSON.parse(await run.get('/api/v1/checks')) as { findings: Finding[] }
    // As below `kubectl exec`: the doctor has less than the entrypoint.
    const afPacket = [{ name: 'a', device: 'net_af_packet0,iface=lo', exception: { backend: 'none' } }]
    const asked = { ...config, ports: afPacket }
    const beside = doctor(asked, { below: [pod], env: { RUNTIME_DIRECTORY: '/nowhere' } })
    expect(beside.running).toBe(true)
    expect(beside.findings.filter(({ level }) => level === 'error')).toEqual([])
    expect(beside.exitCode).toBe(0)
    expect(beside.findings).toEqual(expect.arrayContaining(atStart))
    expect(beside.level('net-raw-missing')).toBe('note')
    expect(beside.level('runtime-directory-not-writable')).toBe('note')
  })

  test('writes a bundle of itself and a running instance for its owner alone, and overwrites nothing', async () => {
    const config = { ...nullPorts, http: { listen: `127.0.0.1:${await freePort()}` } }
    await startRun(config).ready()
    const file = join(folder, 'report.tar.gz')
    expect(doctor(config, { args: ['--bundle', file] }).exitCode).toBe(0)
    expect(statSync(file).mode & 0o777).toBe(0o600)
    execFileSync('tar', ['-xzf', file, '-C', folder])
    const [inside = ''] = readdirSync(folder).filter((name) => name.startsWith('spillway-2'))
    const read = (name: string) => readFileSync(join(folder, inside, name), 'utf8')
    expect(JSON.parse(read('manifest.json')).dpdk).toMatch(/^\d+\.\d+/)
    expect(read('metrics.txt')).toContain('spillway_worker_up 1')
    expect(read('log.ndjson')).toContain('"msg":"EAL arguments"')
    expect(JSON.parse(read('checks.json')).findings).toContainEqual(expect.objectContaining({ level: 'ok' }))
    const again = doctor(config, { args: ['--bundle', file] })
    expect(again.exitCode).toBe(64)
    expect(again.stderr).toContain('exists')
  })
})

describe('a bundle', () => {
  const jwt = 'eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJzeXN0ZW0ifQ.c2lnbmF0dXJlLXRoYXQtaXM'
  /** A pod's downward API, with what a careless chart put into annotations. */
  const annotations = [
    'example.com/config="{\\"password\\":\\"hunter2\\"}"',
    `irq-load-balancing.crio.io="Bearer ${jwt}"`,
    'k8s.v1.cni.cncf.io/networks="not JSON: token=correcthorse"',
    `k8s.v1.cni.cncf.io/network-status="[{\\"name\\":\\"https://user:s3cr3t@host/\\",\\"interface\\":\\"eth0\\"}]"`,
  ]

  test('holds no secret of environment, annotations, configuration and log', async () => {
    const podInfo = { folder, waitMs: 0 }
    writeFileSync(join(folder, 'annotations'), `${annotations.join('\n')}\n`)
    // A path may hold anything, also what must not be told: it is in the configuration and so in the log.
    const listen = `unix:${join(folder, 'api_key=swordfish')}`
    const config = { ...nullPorts, podInfo, http: { listen } }
    const run = startRun(config)
    await eventually('it listens', () => (run.stderr().includes('"listening"') ? true : undefined))
    expect(run.stderr()).toContain('swordfish')
    const file = join(folder, 'report.tar.gz')
    const args = ['--bundle', file]
    const { exitCode } = doctor(config, { args, env: { DB_PASSWORD: 'opensesame', PCIDEVICE_X_TOKEN: 'friend' } })
    expect(exitCode).not.toBeNull()
    const everything = execFileSync('tar', ['-xzOf', file], { encoding: 'utf8' })
    expect(everything).toContain('"msg":"EAL arguments"')
    expect(everything).toContain('[redacted]')
    for (const secret of [jwt, 'hunter2', 'correcthorse', 's3cr3t', 'swordfish', 'opensesame', 'friend'])
      expect(everything).not.toContain(secret)
  })
})

describe.skipIf(!isRoot)(`spillway doctor in a pod of uid 1001 without capabilities${needsRoot}`, () => {
  test.each([
    ['of nobody', 'ip tuntap add dev ext0 mode tap multi_queue', 0, 'probe-tap-ok'],
    ['of another user', 'ip tuntap add dev ext0 mode tap user 1002', 69, 'probe-tap-refused'],
    ['of another group', 'ip tuntap add dev ext0 mode tap user 1001 group 0', 69, 'probe-tap-refused'],
  ])('a tap %s', (_what, script, exitCode, code) => {
    const diagnosis = doctor(onTap, { below: [inNetns(`${script}; ip link set ext0 up`), pod] })
    const story = JSON.stringify(diagnosis.findings.filter(({ level }) => level !== 'ok'))
    expect(diagnosis.exitCode, story).toBe(exitCode)
    expect(story + JSON.stringify(diagnosis.findings)).toContain(exitCode === 0 ? code : 'ext0')
  })
})

describe.skipIf(!isRoot)(`spillway run${needsRoot}`, () => {
  const onPages = { ...nullPorts, memory: { pageSize: '2Mi', mib: 64 } }

  test('refuses what only the kernel knows, with a line for each, and the remedy', async () => {
    await withHugepages(48, async () => {
      const run = startRun(onPages, { below: refusingMempolicy(1) })
      expect(await run.ended).toEqual({ exitCode: 69, signal: null })
      expect(run.stderr()).toMatch(/^spillway: ERR_PREFLIGHT: probe-mempolicy-refused: .*get_mempolicy: EPERM/m)
      expect(run.stderr()).toMatch(/hint: .*SYS_NICE/)
      expect(run.stderr()).not.toContain('"msg":"worker spawned"')
    })
  })

  test('goes on by --force, to the error that DPDK has for it', async () => {
    await withHugepages(48, async () => {
      const run = startRun(onPages, { below: refusingMempolicy(1), args: ['--force'] })
      const { exitCode } = await run.ended
      expect(exitCode).not.toBe(0)
      expect(run.stderr()).toContain('"msg":"check failed"')
      expect(run.stderr()).toMatch(/spillway: ERR_(HUGEPAGES|EAL)/)
    })
  })

  test('shows what it checked', async () => {
    const run = startRun(nullPorts)
    await run.ready()
    const checks = JSON.parse(await run.get('/api/v1/checks'))
    expect(Object.keys(checks.tookMs)).toEqual(expect.arrayContaining(['planMs', 'checksMs', 'probesMs']))
    expect(checks.findings).toContainEqual(expect.objectContaining({ code: 'probe-mempolicy-ok', level: 'ok' }))
    const right = (checks.findings as Finding[]).filter(({ level }) => level === 'ok').length
    // Of those of the start, the served list leaves out what the running worker knows better.
    const counted = /^spillway_findings\{level="ok"\} (\d+)$/m.exec(await run.get('/metrics'))?.[1]
    expect(Number(counted)).toBeGreaterThanOrEqual(right)
    expect(right).toBeGreaterThan(20)
  })
})
