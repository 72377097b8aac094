import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { waitForHugepages } from '../../../src/supervisor/hugepages.js'

let root: string
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'spillway-hugepages-'))
})
afterEach(() => rmSync(root, { recursive: true }))

function setFree(kib: number, pages: number): void {
  const folder = join(root, `sys/kernel/mm/hugepages/hugepages-${kib}kB`)
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'free_hugepages'), `${pages}\n`)
}

const never = new AbortController().signal

describe('waiting for the hugepages of the process before', () => {
  it.each([
    ['2Mi', 2048, 4, 2],
    ['512Mi', 524_288, 1024, 2],
    ['1Gi', 1_048_576, 2048, 2],
  ] as const)(
    'of %s ends when as many are free as the memory needs, and not before',
    async (pageSize, kib, mib, pages) => {
      setFree(kib, pages - 1)
      let over = false
      const waiting = waitForHugepages({ pageSize, mib }, never, root).then(() => {
        over = true
      })
      await new Promise(setImmediate)
      expect(over).toBe(false)
      setFree(kib, pages)
      await waiting
    },
  )

  it('looks at no other size than that of the memory', async () => {
    setFree(2048, 0)
    setFree(1_048_576, 1)
    await waitForHugepages({ pageSize: '1Gi', mib: 1024 }, never, root)
    await waitForHugepages({ pageSize: 'none', mib: 1024 }, never, root)
  })

  it('ends when the process is not to be started any more', async () => {
    setFree(2048, 0)
    const stop = new AbortController()
    const waiting = waitForHugepages({ pageSize: '2Mi', mib: 4 }, stop.signal, root)
    stop.abort()
    await waiting
  })
})
