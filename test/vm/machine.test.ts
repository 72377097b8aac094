import { spawnSync } from 'node:child_process'
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { Guest } from '../../scripts/vm/guest.mjs'
import { makePod } from '../../scripts/vm/pod.mjs'
import { eventually } from '../eventually.js'
import { checkout } from '../native/container.js'

/** The virtual machine itself: what it says when it cannot run, and when it stops running. */
describe('the virtual machine', () => {
  const folders: string[] = []
  afterEach(() => {
    for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true })
  })

  function makeFolder(): string {
    const folder = mkdtempSync(join(tmpdir(), 'machine-'))
    folders.push(folder)
    return folder
  }

  function runVm(path: string): { status: number | null; lines: string[] } {
    const { status, stderr } = spawnSync(process.execPath, [`${checkout}/scripts/vm.mjs`, 'true'], {
      env: { ...process.env, PATH: path },
      encoding: 'utf8',
    })
    return { status, lines: stderr.trim().split('\n') }
  }

  test('is refused in one line without QEMU, or with one that has no igb', () => {
    const folder = makeFolder()
    const missing = runVm(folder)
    expect(missing.status).toBe(69)
    expect(missing.lines).toEqual([
      expect.stringMatching(/^vm: need qemu-system-x86_64 8 or newer, found none; .*install/),
    ])
    writeFileSync(join(folder, 'qemu-system-x86_64'), '#!/bin/sh\necho QEMU emulator version 7.2.22 "(Debian)"\n')
    chmodSync(join(folder, 'qemu-system-x86_64'), 0o755)
    const old = runVm(`${folder}:/usr/bin:/bin`)
    expect(old.status).toBe(69)
    expect(old.lines).toEqual([expect.stringMatching(/igb NIC, found version 7\.2\.22; .*backports/)])
  })

  test('is refused in one line where the kernel does not fit on the disk', () => {
    const folder = makeFolder()
    const script = `
      import { main } from '${checkout}/scripts/setup/run.mjs'
      import { prepareKernel } from '${checkout}/scripts/vm/kernel.mjs'
      await main(() => void prepareKernel('${folder}'))`
    const shell = `mount -t tmpfs -o size=8m tmpfs '${folder}' && exec "$0" --input-type=module -e "$1"`
    const argv = ['--mount', 'sh', '-c', shell, process.execPath, script]
    const { status, stderr } = spawnSync('unshare', argv, { encoding: 'utf8' })
    expect(status).toBe(69)
    expect(stderr.trim()).toMatch(/^vm: need \d+ MiB for kernel and modules in \S+, found 8 MiB free; make room$/)
  })

  describe('that runs', () => {
    let guest: Guest
    beforeAll(async () => {
      guest = await Guest.boot()
    })
    afterAll(async () => {
      await guest?.destroy()
    })

    test('fails a command that hangs, and ends it', async () => {
      await expect(guest.run(['sleep', '1000'], { deadlineMs: 1000 })).rejects.toThrow(/^sleep 1000: not in 1 s/)
      await eventually('it is gone', async () => (await guest.run(['pgrep', '-x', 'sleep'])).exitCode === 1)
    })

    test('leaves the files of the host alone: what the guest writes is its own', async () => {
      await guest.write(`${checkout}/package.json`, 'gone')
      expect(readFileSync(`${checkout}/package.json`, 'utf8')).toContain('"name": "spillway"')
    })

    test('names the kernel module that a guest lacks', async () => {
      await guest.script('rm "$(modinfo -n vhost_net)"')
      const lack = /^vm: need the kernel module vhost_net in the guest, found .*vhost_net/
      await expect(makePod(guest)).rejects.toThrow(lack)
    })

    test('tells why when the kernel panics under a test', async () => {
      const dying = guest.run(['sh', '-c', 'echo 1 > /proc/sys/kernel/sysrq; echo c > /proc/sysrq-trigger'])
      await expect(dying).rejects.toThrow(/QEMU ended.*console:.*Kernel panic - not syncing: sysrq triggered crash/s)
    })
  })
})
