import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import type { ProbeProgram } from '../../../../src/preflight/probe-process.js'
import { type ChosenProbe, Prober, probeProgram, runProbes } from '../../../../src/preflight/probe-runner.js'
import { probeDeadlines } from '../../../../src/preflight/probes/deadlines.js'
import type { ProbeRequest } from '../../../../src/preflight/probes/messages.js'
import { eventually } from '../../../eventually.js'

const folder = new URL('../../../fixtures/probes/', import.meta.url)
const fixture = (name: string): ProbeProgram => probeProgram(new URL(`${name}.mjs`, folder))

const vhostNet: ProbeRequest = { kind: 'vhost-net', path: '/dev/vhost-net' }
const hugepage: ProbeRequest = { kind: 'hugepage', pageBytes: 2 ** 21 }
const mlock: ProbeRequest = { kind: 'mlock', bytes: 2 ** 20 }
const mempolicy: ProbeRequest = { kind: 'mempolicy' }

const all = (...requests: ProbeRequest[]): ChosenProbe[] => requests.map((request) => ({ request, skip: null }))

/** Children of this process that run a fixture. */
function childrenLeft(): string[] {
  const mine = fileURLToPath(folder)
  const read = (pid: string, file: string): string => {
    try {
      return readFileSync(`/proc/${pid}/${file}`, 'utf8')
    } catch {
      return '' // It ended between two looks.
    }
  }
  const isMine = (pid: string) => new RegExp(`^PPid:\\s+${process.pid}$`, 'm').test(read(pid, 'status'))
  return readdirSync('/proc')
    .filter((pid) => Number(pid) > 0 && isMine(pid))
    .map((pid) => read(pid, 'cmdline'))
    .filter((line) => line.includes(mine))
}

describe('the probe runner', () => {
  test('tells a hang by its deadline, ends the child that hangs and asks another', async () => {
    const deadlines = { ...probeDeadlines, 'vhost-net': 200 }
    const outcomes = await runProbes(all(mempolicy, vhostNet, mlock), { program: fixture('hangs'), deadlines })
    expect(outcomes).toEqual([
      { request: mempolicy, status: 'answered', answer: { kind: 'mempolicy', refusals: [], numaAvailable: true } },
      { request: vhostNet, status: 'hung', deadlineMs: 200 },
      { request: mlock, status: 'answered', answer: { kind: 'mlock', refusal: null } },
    ])
    expect(childrenLeft()).toEqual([])
  })

  test('tells a crash by its signal and asks another', async () => {
    const outcomes = await runProbes(all(hugepage, mlock), { program: fixture('crashes') })
    expect(outcomes).toMatchObject([{ status: 'crashed', signal: 'SIGBUS' }, { status: 'answered' }])
  })

  test('keeps the last words of a child that ended', async () => {
    const outcomes = await runProbes(all(mlock, mempolicy), { program: fixture('exits') })
    expect(outcomes).toMatchObject([
      { status: 'crashed', signal: null, exitCode: 3, stderr: 'first line\nout of luck' },
      { status: 'answered' },
    ])
  })

  test('believes no answer that is none, and none to another question', async () => {
    const outcomes = await runProbes(all(mlock, mempolicy, vhostNet), { program: fixture('babbles') })
    expect(outcomes).toMatchObject([
      { status: 'broken', problem: expect.stringContaining('answer.refusal') },
      { status: 'broken', problem: expect.stringContaining('out of turn') },
      { status: 'answered' },
    ])
  })

  test('says why there is no child', async () => {
    expect(await runProbes(all(mlock), { program: fixture('never-ready') })).toEqual([
      {
        request: mlock,
        status: 'broken',
        problem: "the probe child did not start: exit code 1: Error: Cannot find module 'ffi-napi'",
      },
    ])
    const nowhere: ProbeProgram = { command: '/nonexistent/node', args: [], env: {} }
    // Once and not for each probe: a child that takes long to start would be waited for as often.
    expect(await runProbes(all(mlock, mlock), { program: nowhere })).toMatchObject([
      { status: 'broken', problem: expect.stringContaining('ENOENT') },
    ])
  })

  test('counts the time that a child has to start from the first question', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'probe-runner-'))
    const mark = join(folder, 'ready')
    const program = fixture('marks')
    const prober = new Prober({ program: { ...program, args: [...program.args, mark] }, startDeadlineMs: 1 }).start()
    try {
      await eventually('the child is ready', async () => existsSync(mark))
      expect(await prober.run(all(mlock, mempolicy))).toMatchObject([{ status: 'answered' }, { status: 'answered' }])
    } finally {
      await prober.close()
      rmSync(folder, { recursive: true })
    }
  })

  test('does not try what would disturb somebody, and starts no child for nothing', async () => {
    const nowhere: ProbeProgram = { command: '/nonexistent/node', args: [], env: {} }
    const skipped = [{ request: mlock, skip: 'in use' }]
    expect(await runProbes(skipped, { program: nowhere })).toEqual([
      { request: mlock, status: 'skipped', reason: 'in use' },
    ])
  })

  test('ends its child when it is told to stop', async () => {
    const stop = new AbortController()
    const running = runProbes(all(vhostNet, mlock), { program: fixture('hangs'), signal: stop.signal })
    stop.abort()
    expect(await running).toHaveLength(1)
    expect(childrenLeft()).toEqual([])
  })
})
