import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { writeBundle } from '../../../src/bundle/bundle.js'
import { loadConfig } from '../../../src/config/load.js'
import { SpillwayError } from '../../../src/errors.js'
import { machine, plan } from '../plan/fixtures.js'

const jwt = 'eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJzeXN0ZW0ifQ.c2lnbmF0dXJl_LXRoYXQtaXM'
/** Each is planted somewhere, and must be nowhere. */
const secrets = [jwt, 'hunter2', 'correcthorse', 'MIIEpAIBAAKCAQEA', 'abcdef123456', 's3cr3t']

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'spillway-bundle-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

/** A bundle of a pod that keeps secrets wherever one can be; unpacked. */
async function unpack(answers: Record<string, string | null>): Promise<string> {
  const before = machine()
  const environment = machine({
    pod: {
      ...before.pod,
      runtimeAnnotations: { 'cpu-quota.crio.io': 'disable', 'example.com/token': 'correcthorse' },
      problems: [`cannot read "password": "hunter2" in the annotations`],
    },
    kernel: { ...before.kernel, avcDenials: [`avc: denied comm="x" path="https://user:s3cr3t@host/"`] },
  })
  const flags = [{ flag: '--set', path: 'rules', text: `[{ name: a, match: "host 10.0.0.1", to: drop }]` }]
  const loaded = loadConfig({ flags, env: {} })
  const file = join(folder, 'bundle.tar.gz')
  const preflight = {
    plan: plan(undefined, environment),
    problems: [new SpillwayError('ERR_DEVICE', 'found password=hunter2', { hint: `use ${jwt}` })],
    findings: [
      {
        code: 'a',
        level: 'error',
        subject: 'x',
        needed: 'y',
        found: `-----BEGIN RSA PRIVATE KEY-----\n${secrets[3]}\n-----END RSA PRIVATE KEY-----`,
        cause: null,
        remedy: null,
      },
    ],
    took: { planMs: 1, checksMs: 1, probesMs: 0 },
  } as const
  await writeBundle(file, { version: '0.0.0-test', loaded, environment, preflight, answers })
  execFileSync('tar', ['-xzf', file, '-C', folder])
  const [inside = ''] = readdirSync(folder).filter((name) => name !== 'bundle.tar.gz')
  return join(folder, inside)
}

const answers = {
  '/api/v1/status': JSON.stringify({
    ...{ dpdkVersion: 'DPDK 22.11.0', state: 'running' },
    program: { args: ['--api-key', 'hunter2', '-p', 's3cr3t'] },
  }),
  '/metrics': 'spillway_worker_up 1\n',
  '/api/v1/checks': '{"findings":[]}',
  '/api/v1/log': `{"msg":"asked","header":"Authorization: Bearer abcdef123456"}\n{"msg":"${jwt}"}\n{"args":["--password","hunter2"]}\n`,
}

describe('a bundle', () => {
  test('has everything that a bug report needs, and says what it is', async () => {
    const inside = await unpack(answers)
    const files = readdirSync(inside)
    const manifest = JSON.parse(readFileSync(join(inside, 'manifest.json'), 'utf8'))
    expect(files).toEqual([
      'checks.json',
      'config.txt',
      'environment.json',
      'findings.json',
      'findings.txt',
      'log.ndjson',
      'manifest.json',
      'metrics.txt',
      'plan.json',
      'plan.txt',
      'problems.json',
      'status.json',
      'took.json',
    ])
    expect(manifest).toMatchObject({
      spillway: '0.0.0-test',
      node: process.version,
      kernel: '6.1.0',
      dpdk: 'DPDK 22.11.0',
    })
    expect([...manifest.files].sort()).toEqual(files.filter((name) => name !== 'manifest.json'))
    for (const name of files.filter((file) => file.endsWith('.json')))
      expect(() => JSON.parse(readFileSync(join(inside, name), 'utf8')), name).not.toThrow()
  })

  test('has none of the secrets of the pod, its configuration, its annotations and its log', async () => {
    const inside = await unpack(answers)
    const everything = readdirSync(inside)
      .map((name) => readFileSync(join(inside, name), 'utf8'))
      .join('\n')
    for (const secret of secrets) expect(everything).not.toContain(secret)
    expect(everything).toContain('[redacted]')
    expect(everything).toContain('cpu-quota.crio.io')
  })

  test('says when no instance answered', async () => {
    const inside = await unpack({})
    expect(readdirSync(inside)).not.toContain('log.ndjson')
    expect(JSON.parse(readFileSync(join(inside, 'manifest.json'), 'utf8'))).toMatchObject({
      dpdk: null,
      runningInstance: 'none answered',
    })
  })
})
