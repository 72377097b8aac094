import { PassThrough } from 'node:stream'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { AnswerReader, type RelayAnswer } from '../../../src/telemetry/relay-answers.js'

/** What a relay that says this, in these pieces, is understood as. */
async function readAll(pieces: readonly (string | Uint8Array)[], most = 10): Promise<(RelayAnswer | null)[]> {
  const stream = new PassThrough()
  const reader = new AnswerReader(stream)
  const said = (async () => {
    for (const piece of pieces) stream.write(piece)
    stream.end()
  })()
  const answers: (RelayAnswer | null)[] = []
  for (let i = 0; i < most; i++) {
    const answer = await reader.next()
    answers.push(answer)
    if (answer === null) break
  }
  await said
  return answers
}

test('answers are told apart wherever the pipe cuts them', async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 40 }), async (size) => {
      const whole = Buffer.from('ok 5\n{"a"\n\ncut 2\nxy\nfailed 14\nENOENT no file\n')
      const pieces = Array.from({ length: Math.ceil(whole.length / size) }, (_, i) =>
        whole.subarray(i * size, (i + 1) * size),
      )
      expect(await readAll(pieces)).toEqual([
        { kind: 'text', text: '{"a"\n', bytes: 5, cut: false },
        { kind: 'text', text: 'xy', bytes: 2, cut: true },
        { kind: 'failed', reason: 'ENOENT', message: 'no file' },
        null,
      ])
    }),
  )
})

test.each([
  ['no length', 'ok \n'],
  ['a length beyond the bound', 'ok 999999\nx'],
  ['another word', 'yes 1\nx\n'],
  ['no line end', 'x'.repeat(100)],
  ['too little', 'ok 5\nxy'],
])('%s is no answer', async (_what, text) => {
  expect(await readAll([text])).toEqual([null])
})

test('bytes that are no UTF-8 do not shift the rest', async () => {
  const [first, second] = await readAll([Buffer.from([...Buffer.from('ok 2\n'), 0xff, 0xfe, 0x0a]), 'ok 1\nz\n'])
  expect(first).toMatchObject({ text: '\ufffd\ufffd', bytes: 2 })
  expect(second).toMatchObject({ text: 'z' })
})
