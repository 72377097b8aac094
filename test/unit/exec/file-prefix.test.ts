import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { withOwnPrefix } from '../../../src/exec/file-prefix.js'
import { LONGEST_RUNTIME_DIRECTORY, LONGEST_SOCKET_PATH, socketPath } from '../../../src/plan/socket-path.js'

describe('the file prefix of a program', () => {
  test('is the planned one and the pid, and there is no other', () => {
    const args = withOwnPrefix(['--no-huge', '--file-prefix=spillway-upf', '-m', '64'], '/run/x', 4711)
    expect(args).toEqual(['--no-huge', '-m', '64', '--file-prefix=spillway-upf-4711'])
  })

  test('is cut so that a second process of it has a socket path that the kernel takes, and keeps its pid', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 50 }), fc.integer({ min: 1, max: 200 }), (folderLength, nameLength) => {
        const folder = `/${'f'.repeat(folderLength)}`
        const [arg = ''] = withOwnPrefix([`--file-prefix=${'n'.repeat(nameLength)}`], folder, 4194304)
        const prefix = arg.slice('--file-prefix='.length)
        expect(`${socketPath(folder, prefix)}:1`.length).toBeLessThanOrEqual(LONGEST_SOCKET_PATH)
        expect(prefix).toMatch(/^n+-4194304$/)
      }),
    )
  })

  test('that has no room below the runtime directory is refused: EAL would not start and not say why', () => {
    expect(() => withOwnPrefix([], `/${'f'.repeat(80)}`, 1)).toThrow(/at most 74 characters, found \/f+ \(81\)/)
    expect(withOwnPrefix([], `/${'f'.repeat(73)}`, 1)).toEqual(['--file-prefix=spil-1'])
  })

  test('has room below every runtime directory that the plan and the doctor find short enough, and just so', () => {
    const folder = (length: number) => `/${'f'.repeat(length - 1)}/spillway-run-aZ09bY`
    expect(withOwnPrefix([], folder(LONGEST_RUNTIME_DIRECTORY), 4194304)).toEqual(['--file-prefix=spil-4194304'])
    expect(() => withOwnPrefix([], folder(LONGEST_RUNTIME_DIRECTORY + 1), 4194304)).toThrow('at most')
  })
})
