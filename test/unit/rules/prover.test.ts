import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { afterEach, describe, expect, it } from 'vitest'
import type { NativeRule } from '../../../src/ipc/messages.js'
import { Prover, startProver } from '../../../src/rules/prover.js'

const list: NativeRule[] = [{ name: 'default', match: [], verdict: 'forward', class: 'other', limit: null }]
const provers: Prover[] = []

function fixture(name: string, options: { deadlineMs?: number } = {}): Prover {
  const prover = new Prover(fileURLToPath(new URL(`../../fixtures/provers/${name}.mjs`, import.meta.url)), options)
  provers.push(prover)
  return prover
}

afterEach(async () => {
  await Promise.all(provers.splice(0).map((prover) => prover.stop()))
})

describe('the client of the prover', () => {
  it('says how a prover died', async () => {
    await expect(fixture('dies').prove(list)).rejects.toMatchObject({
      code: 'ERR_RULE',
      message: 'the prover died: SIGSEGV when it tried the rule list',
    })
  })

  it('ends a prover that does not answer in time', async () => {
    await expect(fixture('hangs', { deadlineMs: 100 }).prove(list)).rejects.toMatchObject({
      code: 'ERR_RULE',
      message: 'the prover had no answer after 0.1 s when it tried the rule list',
    })
  })

  it('takes an answer that it does not know for a bug', async () => {
    await expect(fixture('babbles').prove(list)).rejects.toMatchObject({
      code: 'ERR_INTERNAL',
      message: 'the prover answered "forty-two"',
    })
  })

  it('asks a new prover after the last one died', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'spillway-prover-'))
    process.env.MARK = join(folder, 'mark')
    try {
      const prover = fixture('dies-once')
      await expect(prover.prove(list)).rejects.toMatchObject({ code: 'ERR_RULE' })
      await expect(prover.prove(list)).resolves.toMatchObject({ packets: 7, hits: [7], jit: true })
    } finally {
      delete process.env.MARK
      rmSync(folder, { recursive: true })
    }
  })

  it('remembers the lists that it proved last, by their text', async () => {
    const prover = fixture('counts')
    const named = (name: string): NativeRule[] => [{ ...(list[0] as NativeRule), name }]
    const asked = async (name: string): Promise<number> => (await prover.prove(named(name))).packets
    expect([await asked('a'), await asked('b'), await asked('a')]).toEqual([1, 2, 1])
    for (let i = 0; i < 63; i++) await asked(`other${i}`)
    expect([await asked('a'), await asked('b')]).toEqual([1, 66])
  })

  it('does not hand over text that would break the protocol', () => {
    const broken = [{ ...list[0], name: 'x', match: ['tcp\nrule 0 y'] } as NativeRule]
    expect(() => fixture('babbles').prove(broken)).toThrowError(
      'rule "x": expected an expression without control characters, found "tcp\\nrule 0 y"',
    )
  })

  it('says what to do when the prover was not built', () => {
    const nowhere = pathToFileURL(join(tmpdir(), 'no-such-prover'))
    expect(() => startProver(nowhere)).toThrowError(`need the prover ${fileURLToPath(nowhere)}, found nothing`)
  })
})
