import { describe, expect, test } from 'vitest'
import { besideInstance, tellHolder } from '../../../src/preflight/beside-instance.js'
import { printFindings } from '../../../src/preflight/print.js'
import type { Finding, Level } from '../../../src/preflight/types.js'

function finding(code: string, level: Level): Finding {
  return { code, level, subject: 'a', needed: 'b', found: 'c', cause: 'why', remedy: 'mend it' }
}
const running = { state: 'running' as const, findings: [finding('cpus-ok', 'ok'), finding('smt-sibling', 'warning')] }

describe('a doctor beside an instance of its container', () => {
  test('tells what the instance found, and has no error of its own', () => {
    const own = [finding('hugepages-in-use', 'error'), finding('cpus-ok', 'ok'), finding('tun-ok', 'ok')]
    const found = besideInstance(own, running)
    expect(found.map(({ code, level }) => [code, level])).toEqual([
      ['cpus-ok', 'ok'],
      ['smt-sibling', 'warning'],
      ['hugepages-in-use', 'note'],
    ])
    expect(found.at(-1)).toMatchObject({ cause: expect.stringContaining('the running Spillway'), remedy: null })
  })

  test('says nothing twice, and nothing of what the instance itself does', () => {
    const own = [finding('smt-sibling', 'warning'), finding('http-in-use', 'error'), finding('tap-in-use', 'error')]
    expect(besideInstance(own, running)).toEqual(running.findings)
  })

  test('keeps its errors while the instance has no worker: they may be why', () => {
    const own = [finding('hugepages-in-use', 'error')]
    expect(besideInstance(own, { ...running, state: 'waiting' })).toContainEqual(own[0])
  })

  test('never says that what runs would refuse to start', () => {
    expect(printFindings([finding('tun-missing', 'error')], true)).toMatch(/1 error, .*: it runs all the same\n$/)
    expect(printFindings([], true)).toMatch(/: it runs\n$/)
    expect(printFindings([finding('tun-missing', 'error')])).toContain('would refuse to start')
  })
})

describe('a doctor beside an instance of another container', () => {
  const identity = { pid: 7, container: 'side', mountNamespace: 'mnt:[1]' }

  test('says whose the address is, and changes nothing else', () => {
    const own = [finding('tun-missing', 'error'), finding('http-in-use', 'error')]
    const [first, second] = tellHolder(own, { identity, state: 'running' })
    expect(first).toBe(own[0])
    expect(second).toMatchObject({ level: 'error', cause: expect.stringMatching(/container side .*pid 7/) })
  })

  test('says so where the instance does not tell who it is', () => {
    const [told] = tellHolder([finding('http-in-use', 'error')], { identity: null, state: 'running' })
    expect(told?.cause).toMatch(/another container/)
  })
})
