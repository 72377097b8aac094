import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'

/** The C programs that test native code without node. Each prints a line per check and ends with 1 when one failed. */
function checksOf(name: string): { good: string[]; bad: string[]; status: number | null; stderr: string } {
  const program = fileURLToPath(new URL(`../../build/Release/${name}`, import.meta.url))
  const { stdout, stderr, status } = spawnSync(program, [], { encoding: 'utf8', timeout: 180_000 })
  const lines = stdout.split('\n')
  return {
    good: lines.filter((line) => line.startsWith('ok ')),
    bad: lines.filter((line) => line.startsWith('not ok ')),
    status,
    stderr,
  }
}

describe('C programs', () => {
  test('checksums and segmentation agree with a second reading of the RFCs', () => {
    const { good, bad, status } = checksOf('spillway-offload-test')
    expect(bad).toEqual([])
    expect(status).toBe(0)
    expect(good.length).toBeGreaterThanOrEqual(13)
  })

  test('what the fuzzer found worth keeping is classified, rewritten, cut and completed right', () => {
    const { good, bad, status, stderr } = checksOf('spillway-frame-test')
    expect(bad, stderr).toEqual([])
    expect(status, stderr).toBe(0)
    expect(good.length).toBe(4)
  })

  test('the exception path keeps flows together, times a sample, and keeps its limits on several threads', () => {
    const { good, bad, status } = checksOf('spillway-exception-test')
    expect(bad).toEqual([])
    expect(status).toBe(0)
    expect(good.length).toBeGreaterThanOrEqual(50)
  })

  test('what GRO merges is, cut again, what was on the wire', () => {
    const { good, bad, status } = checksOf('spillway-gro-test')
    expect(bad).toEqual([])
    expect(status).toBe(0)
    expect(good.length).toBeGreaterThanOrEqual(55)
  })

  test('the launcher reads CPU lists and the environment right, whatever is in them', () => {
    const { good, bad, status } = checksOf('spillway-launch-test')
    expect(bad).toEqual([])
    expect(status).toBe(0)
    expect(good.length).toBeGreaterThanOrEqual(25)
  })

  test('the telemetry relay survives its peers, and reads its input right, whatever is in it', () => {
    const { good, bad, status } = checksOf('spillway-telemetry-test')
    expect(bad).toEqual([])
    expect(status).toBe(0)
    expect(good.length).toBeGreaterThanOrEqual(32)
  })

  test('every scenario of the data plane ends with its books and mempools in order', { timeout: 200_000 }, () => {
    const { good, bad, status, stderr } = checksOf('spillway-dataplane-test')
    expect(bad, stderr).toEqual([])
    expect(status).toBe(0)
    expect(good.filter((line) => /rx \d+ = forwarded/.test(line)).length).toBeGreaterThanOrEqual(14)
  })
})
