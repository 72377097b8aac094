import { once } from 'node:events'
import { createServer } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import { eventually } from '../eventually.js'

import {
  commandLine,
  descendants,
  endLabCommands,
  isAlive,
  networkNamespaces,
  runFolders,
  startLabCommand,
} from './lab-process.js'

afterEach(endLabCommands)

/** A number that the summary tells: the group of `pattern`, with thousands separators. */
function told(summary: string, pattern: RegExp): number {
  const text = pattern.exec(summary)?.[1]
  if (text === undefined) throw new Error(`${pattern} is not in:\n${summary}`)
  return Number(text.replaceAll(',', ''))
}

describe('spillway lab', () => {
  test('shows both paths at work and ends with a summary and 0', async () => {
    const lab = startLabCommand(['--duration', '5s', '--http', '127.0.0.1:0'])
    const end = await lab.ended
    const summary = lab.stdout()
    expect(end, `${summary}\n${lab.stderr()}`).toEqual({ exitCode: 0, signal: null })
    expect(told(summary, /fast path +([\d,]+) packets forwarded/)).toBeGreaterThan(0)
    expect(told(summary, /exception path +([\d,]+) packets to the kernel/)).toBeGreaterThan(0)
    expect(told(summary, /([\d,]+) frames from it/)).toBeGreaterThan(0)
    expect(told(summary, /TCP fetches +([\d,]+) of 1 MiB/)).toBeGreaterThan(0)
    expect(told(summary, /([\d,]+) uploads/)).toBeGreaterThan(0)
    expect(told(summary, /ping 10\.99\.0\.1 +([\d,]+) sent/)).toBeGreaterThan(0)
    const pings = summary.split('\n').filter((line) => line.startsWith('  ping '))
    for (const line of pings) expect(line).toMatch(/, 0 duplicates, loss 0 %/)
    expect(summary).toMatch(/worker restarts +0$/m)
    // A line a second, where there is no terminal.
    expect(summary.split('\n').filter((line) => /^ *\d+ s \| running \| vf0 /.test(line)).length).toBeGreaterThan(1)
  })

  test.each(['SIGINT', 'SIGTERM'] as const)(
    'ends in order on %s, delivered twice, and leaves nothing',
    async (signal) => {
      const before = { namespaces: networkNamespaces(), folders: runFolders() }
      const lab = startLabCommand(['--http', '127.0.0.1:0'])
      const url = await lab.url()
      expect((await fetch(`${url}/readyz`)).status).toBe(200)
      const family = descendants(lab.child.pid ?? 0)
      expect(networkNamespaces(family).size).toBeGreaterThanOrEqual(2)
      expect(runFolders().length).toBe(before.folders.length + 1)

      lab.child.kill(signal)
      lab.child.kill(signal)

      expect(await lab.ended).toEqual({ exitCode: 0, signal: null })
      expect(lab.stdout()).toContain('summary of')
      await expectNothingLeft(family, before)
    },
  )

  test('ends in order when it is asked while it starts', async () => {
    const before = { namespaces: networkNamespaces(), folders: runFolders() }
    const lab = startLabCommand(['--http', '127.0.0.1:0'])
    const pid = lab.child.pid ?? 0
    await eventually('the instance is being started', async () => instanceOf(descendants(pid)) !== undefined)
    const family = descendants(pid)
    lab.child.kill('SIGTERM')
    expect(await lab.ended).toEqual({ exitCode: 0, signal: null })
    await expectNothingLeft(family, before)
  })

  test('ends with an error, and leaves nothing, when the instance dies', async () => {
    const before = { namespaces: networkNamespaces(), folders: runFolders() }
    const lab = startLabCommand(['--http', '127.0.0.1:0'])
    await lab.url()
    const family = descendants(lab.child.pid ?? 0)
    const instance = instanceOf(family)
    if (instance === undefined) throw new Error('no instance')
    process.kill(instance, 'SIGKILL')
    expect(await lab.ended).toEqual({ exitCode: 70, signal: null })
    expect(lab.stderr()).toContain('the instance in the lab ended with SIGKILL')
    await expectNothingLeft(family, before)
  })

  test('leaves nothing when it is killed itself', async () => {
    const before = { namespaces: networkNamespaces(), folders: runFolders() }
    const lab = startLabCommand(['--http', '127.0.0.1:0'])
    await lab.url()
    const family = descendants(lab.child.pid ?? 0)
    lab.child.kill('SIGKILL')
    expect(await lab.ended).toEqual({ exitCode: null, signal: 'SIGKILL' })
    await expectNothingLeft(family, before)
  })

  test('says which address is taken, and how to take another', async () => {
    const before = { namespaces: networkNamespaces(), folders: runFolders() }
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const address = server.address()
    const port = typeof address === 'object' ? address?.port : undefined
    const lab = startLabCommand(['--duration', '1s', '--http', `127.0.0.1:${port}`])
    expect(await lab.ended).toEqual({ exitCode: 69, signal: null })
    expect(lab.stderr()).toContain(`ERR_HTTP_IN_USE: the lab needs to listen on 127.0.0.1:${port}: EADDRINUSE`)
    expect(lab.stderr()).toContain('--http 127.0.0.1:0')
    server.close()
    await expectNothingLeft([], before)
  })

  test.each([
    ['--duration', 'soon'],
    ['--http', 'fd:3'],
    ['--udp-pps', '0'],
  ])('refuses %s %s as a mistake on the command line', async (...args) => {
    const lab = startLabCommand(args)
    expect(await lab.ended).toEqual({ exitCode: 64, signal: null })
    expect(lab.stderr()).toContain(args[1])
  })
})

/** The `spillway run` among them. */
function instanceOf(pids: readonly number[]): number | undefined {
  return pids.find((pid) => /^\S*node \S*spillway\.mjs run /.test(commandLine(pid)))
}

interface Before {
  readonly namespaces: ReadonlySet<string>
  readonly folders: readonly string[]
}

/** No process of the lab, no namespace, no run folder. A killed lab's children need a moment to notice. */
async function expectNothingLeft(family: readonly number[], before: Before): Promise<void> {
  await eventually('everything is gone', async () => {
    const left = [
      ...family.filter(isAlive).map((pid) => `process ${pid}`),
      ...[...networkNamespaces()].filter((name) => !before.namespaces.has(name)),
      ...runFolders().filter((name) => !before.folders.includes(name)),
    ]
    if (left.length > 0) throw new Error(`left: ${left.join(', ')}`)
    return true
  })
}
