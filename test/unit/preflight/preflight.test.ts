import { describe, expect, test } from 'vitest'
import { preflight } from '../../../src/preflight/preflight.js'
import { probeProgram } from '../../../src/preflight/probe-runner.js'
import { config, hugepages, machine, nullPort, tap } from '../plan/fixtures.js'

/** A child that answers as one where all is well, and hangs on vhost-net. */
const program = probeProgram(new URL('../../fixtures/probes/hangs.mjs', import.meta.url))
const containerd = machine({
  hugepages: [hugepages('2Mi', 512)],
  kernel: { ...machine().kernel, containerRuntime: 'containerd' },
  process: { ...machine().process, seccomp: 'filter' },
})

describe('preflight', () => {
  test('plans, checks and probes, and says how long each took', async () => {
    const { plan, problems, findings, took } = await preflight(config(nullPort), machine(), { program })
    expect(plan.ports).toHaveLength(1)
    expect(problems).toEqual([])
    expect(findings.map(({ code }) => code)).toEqual(expect.arrayContaining(['cpus-ok', 'probe-mempolicy-ok']))
    expect(Object.values(took).every((ms) => ms > 0)).toBe(true)
  })

  test('starts no child for another host', async () => {
    const { findings, took } = await preflight(config(nullPort), machine(), { program, probes: false })
    expect(findings.filter(({ code }) => code.startsWith('probe-'))).toEqual([])
    expect(took.probesMs).toBe(0)
  })

  test('goes on with a plan that cannot be made as asked, and tells the problem once', async () => {
    const onTap = { ports: '[{ device: "net_af_packet0,iface=vf0", exception: { backend: tap, tap: ext0 } }]' }
    const foreign = machine({ netdevs: [tap('ext0', { owner: 1002 })] })
    const { problems, findings } = await preflight(config(onTap), foreign, { program })
    expect(problems.map(({ code }) => code)).toContain('ERR_TAP_OWNER')
    const errors = findings.filter(({ level, subject }) => level === 'error' && subject === 'tap ext0')
    expect(errors).toHaveLength(1)
  })

  test('has no doubt left where a probe settled it', async () => {
    const codes = async (probes: boolean) =>
      (await preflight(config(nullPort), containerd, { program, probes })).findings.map(({ code }) => code)
    expect(await codes(false)).toContain('mempolicy-in-doubt')
    expect(await codes(true)).not.toContain('mempolicy-in-doubt')
  })
})
