import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { HostFiles } from '../../../src/environment/host-files.js'
import { discoverProcess } from '../../../src/environment/process.js'
import { discoverRuntimeDirectory } from '../../../src/environment/runtime-directory.js'
import { discoverOn, type MadeHost } from './made-host.js'

const as = (uid: number) => ({
  'proc/self/status': `Uid:\t${uid}\t${uid}\t${uid}\t${uid}\nGid:\t${uid}\t${uid}\t${uid}\t${uid}\nCpus_allowed_list:\t0\n`,
})
const runtimeOf = (host: MadeHost) => discoverOn(host).runtimeDirectory

describe('the runtime directory', () => {
  const both = { RUNTIME_DIRECTORY: '/var/run/dpdk', XDG_RUNTIME_DIR: '/run/user/1000' }
  it.each([
    [0, both, '/var/run/dpdk', 'RUNTIME_DIRECTORY'],
    [0, { XDG_RUNTIME_DIR: '/run/user/0' }, '/var/run', 'default'],
    [1000, { XDG_RUNTIME_DIR: '/run/user/1000' }, '/run/user/1000', 'XDG_RUNTIME_DIR'],
    [1000, { RUNTIME_DIRECTORY: '' }, '/tmp', 'default'],
  ] as const)('of uid %s with %j is %s', (uid, env, path, from) => {
    expect(runtimeOf({ files: as(uid), env })).toMatchObject({ path, from })
  })

  const mounts = (...lines: string[]) => ({ 'proc/self/mounts': lines.map((line) => `${line} 0 0\n`).join('') })
  it.each([
    ['is there and open', { '/tmp': { mode: '1777' } }, {}, true],
    ['is not there', {}, {}, false],
    ['is root’s', { '/tmp': { mode: '0755' } }, {}, false],
    ['is on a read-only root', { '/tmp': { mode: '1777' } }, mounts('overlay / overlay ro'), false],
    [
      'is a mount of its own on a read-only root',
      { '/tmp': { mode: '1777' } },
      mounts('overlay / overlay ro', 'tmpfs /tmp tmpfs rw'),
      true,
    ],
    [
      'has a name that begins like a mount',
      { '/tmp': { mode: '1777' } },
      mounts('overlay / overlay rw', 'tmpfs /t tmpfs ro'),
      true,
    ],
  ])('that %s', (_, stat, files, writable) => {
    expect(runtimeOf({ files: { ...as(1000), ...files }, stat }).writable).toBe(writable)
  })

  it.each([
    [{}, '/tmp', false],
    [{ TMPDIR: '/scratch/' }, '/scratch', true],
    [{ TMPDIR: '', TEMP: '/scratch' }, '/scratch', true],
    [{ TMPDIR: '/elsewhere' }, '/elsewhere', false],
  ])('has the folder for temporary files of %j behind it', (env, path, writable) => {
    const stat = { '/tmp': { mode: '0755' }, '/scratch': { mode: '1777' } }
    expect(runtimeOf({ files: as(1000), env, stat })).toMatchObject({ writable: false, fallback: { path, writable } })
  })

  it('names the prefixes in it, and which are alive by their listening sockets', () => {
    const socket = (flags: string, path: string) => `0000: 00000002 00000000 ${flags} 0005 01 1 ${path}\n`
    const files = {
      ...as(1000),
      'tmp/dpdk/rte/config': '',
      'tmp/dpdk/other/config': '',
      'proc/self/net/unix':
        socket('00010000', '/tmp/dpdk/rte/dpdk_telemetry.v2') + socket('00000000', '/tmp/dpdk/other/dpdk_telemetry.v2'),
    }
    expect(runtimeOf({ files }).prefixes).toEqual([
      { prefix: 'other', alive: false },
      { prefix: 'rte', alive: true },
    ])
  })

  it('sees a real socket that listens, and no longer when it is closed', async () => {
    const base = mkdtempSync(join(tmpdir(), 'spillway-rt-'))
    mkdirSync(join(base, 'dpdk', 'live'), { recursive: true })
    mkdirSync(join(base, 'dpdk', 'dead'), { recursive: true })
    const server = createServer()
    const prefixes = () => {
      const files = new HostFiles('/')
      return discoverRuntimeDirectory(files, { RUNTIME_DIRECTORY: base }, discoverProcess(files, false)).prefixes
    }
    try {
      await new Promise<void>((resolve) => server.listen(join(base, 'dpdk', 'live', 'dpdk_telemetry.v2'), resolve))
      expect(prefixes()).toEqual([
        { prefix: 'dead', alive: false },
        { prefix: 'live', alive: true },
      ])
      await new Promise((resolve) => server.close(resolve))
      expect(prefixes().map(({ alive }) => alive)).toEqual([false, false])
    } finally {
      server.close()
      rmSync(base, { recursive: true })
    }
  })
})
