import { describe, expect, test } from 'vitest'
import { SpillwayError } from '../../../src/errors.js'
import { fillIn, type PlannedProgram } from '../../../src/exec/placeholders.js'

const program: PlannedProgram = {
  ealArgs: ['--lcores', '0@(0),1@3', '-a', '0000:3b:02.4'],
  pci: ['0000:3b:02.4', '0000:3b:02.5'],
  lcores: '0@(0),1@3',
  memory: { pageSize: 'none', mib: 1024 },
  taps: ['ext0', 'ext1'],
  missing: [],
}
const nothing: PlannedProgram = { ...program, pci: [], taps: [] }

function refusal(args: readonly string[], from: PlannedProgram = program): SpillwayError {
  try {
    fillIn(args, from)
  } catch (error) {
    if (error instanceof SpillwayError) return error
  }
  throw new Error(`${args.join(' ')} was not refused`)
}

describe('a placeholder', () => {
  test('{eal} becomes several arguments, and what follows stays', () => {
    expect(fillIn(['{eal}', '--', '-i'], program)).toEqual([...program.ealArgs, '--', '-i'])
  })

  test.each([
    ['{pci}', '0000:3b:02.4,0000:3b:02.5'],
    ['--allow={pci}', '--allow=0000:3b:02.4,0000:3b:02.5'],
    ['--lcores={lcores}', '--lcores=0@(0),1@3'],
    ['iface={tap}', 'iface=ext0'],
    ['{tap0}-{tap1}', 'ext0-ext1'],
  ])('in %s is filled in', (arg, filled) => {
    expect(fillIn([arg], program)).toEqual([filled])
  })

  test.each(['{"a":{"b":1}}', '{}', '{A}', '{eal', 'x{1}', '{ eal }', '{a-b}'])('%s is none, and left alone', (arg) => {
    expect(fillIn([arg], program)).toEqual([arg])
  })

  test.each([
    ['{{eal}}', '{eal}'],
    ['a{{tap9}}b', 'a{tap9}b'],
  ])('in doubled braces (%s) stands for itself', (arg, itself) => {
    expect(fillIn([arg], program)).toEqual([itself])
  })

  test('is filled in once: what it stands for is not looked at again', () => {
    expect(fillIn(['{tap}'], { ...program, taps: ['{eal}'] })).toEqual(['{eal}'])
  })

  test.each(['{ela}', '{taps}', '{pci0}', '{lcores1}', '{constructor}'])(
    '%s that there is not is a mistake on the command line, with those that there are',
    (arg) => {
      const { code, message } = refusal([arg])
      expect({ code, message }).toEqual({
        code: 'ERR_USAGE',
        message: expect.stringContaining('{eal}, {pci}, {lcores}, {tap}'),
      })
    },
  )

  test('with a slip gets the one that was meant', () => {
    expect(refusal(['{lcore}']).message).toContain('did you mean {lcores}?')
  })

  test('{eal} inside an argument is a mistake', () => {
    expect(refusal(['--eal={eal}']).code).toBe('ERR_USAGE')
  })

  test.each<[string, PlannedProgram]>([
    ['{pci}', nothing],
    ['{tap}', nothing],
    ['{tap2}', program],
    ['{eal}', { ...program, missing: ['no MAC address is known'] }],
  ])('%s whose value the pod does not give is refused, with a remedy', (arg, from) => {
    const { code, exitCode, hint } = refusal([arg], from)
    expect({ code, exitCode, hint }).toEqual({ code: 'ERR_PLACEHOLDER', exitCode: 69, hint: expect.any(String) })
  })

  test('that is not used may lack its value', () => {
    expect(fillIn(['-l', '1'], { ...nothing, missing: ['much'] })).toEqual(['-l', '1'])
  })
})
