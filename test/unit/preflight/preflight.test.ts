import { describe, expect, test } from 'vitest'
import { passiveSections, probeSections } from '../../../src/preflight/catalogue.js'
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

  test('tells what a probe was refused beside an error about the same tap that does not explain it', async () => {
    const onTap = {
      ports: '[{ device: "net_af_packet0,iface=vf0", exception: { backend: tap, tap: ext0, queues: 2 } }]',
    }
    const refusing = probeProgram(new URL('../../fixtures/probes/selinux-tap.mjs', import.meta.url))
    const single = machine({ netdevs: [tap('ext0', { multiQueue: false })] })
    const { findings } = await preflight(config(onTap), single, { program: refusing })
    const errors = findings.filter(({ level, subject }) => level === 'error' && subject === 'tap ext0')
    expect(errors.map(({ code }) => code)).toEqual(['tap-queues', 'probe-tap-selinux'])
  })

  test('leaves out only what an error of a check can have told', () => {
    const erring = passiveSections.flatMap(({ codes }) =>
      Object.entries(codes).flatMap(([code, { levels }]) => (levels.includes('error') ? [code] : [])),
    )
    const repeated = probeSections.flatMap(({ codes }) => Object.values(codes).flatMap(({ repeats = [] }) => repeats))
    expect(repeated.filter((code) => !erring.includes(code))).toEqual([])
  })

  test('has no doubt left where a probe settled it', async () => {
    const codes = async (probes: boolean) =>
      (await preflight(config(nullPort), containerd, { program, probes })).findings.map(({ code }) => code)
    expect(await codes(false)).toContain('mempolicy-in-doubt')
    expect(await codes(true)).not.toContain('mempolicy-in-doubt')
  })
})
