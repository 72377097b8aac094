import { fileURLToPath } from 'node:url'
import { afterEach, describe, expect, test } from 'vitest'
import { labNetwork } from '../../src/lab/topology.js'
import type { Finding } from '../../src/preflight/types.js'
import { closeLabs, readyLab } from './lab-fixture.js'
import { endLabCommands, startLabCommand } from './lab-process.js'
import { ping } from './ping.js'

afterEach(async () => {
  await endLabCommands()
  await closeLabs()
})

const command = fileURLToPath(new URL('../../bin/spillway.mjs', import.meta.url))

function findingsIn(text: string): Finding[] {
  return (JSON.parse(text) as { findings: Finding[] }).findings
}

describe('spillway doctor in the lab', () => {
  test('attaches to the tap of the plan and lets go of it, and finds no error', async () => {
    const lab = startLabCommand(['--http', '127.0.0.1:0', '--', 'doctor', '--json'])
    const end = await lab.ended
    expect(end, lab.stderr() + lab.stdout()).toEqual({ exitCode: 0, signal: null })
    const findings = findingsIn(lab.stdout())
    expect(findings).toContainEqual(expect.objectContaining({ code: 'probe-tap-ok', subject: 'tap ext0' }))
    expect(findings.filter(({ level }) => level === 'error')).toEqual([])
  })

  test('takes no packet from a data plane that runs: its tap is left alone, and every ping is answered', async () => {
    const lab = await readyLab()
    const ports = 'ports=[{ device: "net_af_packet0,iface=vf0", exception: { backend: tap, tap: ext0 } }]'
    // The instance listens outside of the pod, so the doctor cannot know whose the tap is.
    const refused = ['sh', '-c', '"$@" || test $? = 69', 'sh']
    const argv = [...refused, process.execPath, command, 'doctor', '--json', '--set', ports]
    const [diagnosis, pings] = await Promise.all([lab.pod.run(argv), ping(lab.peer, labNetwork.tapV4, 15)])
    const findings = findingsIn(diagnosis)
    expect(findings.map(({ code }) => code)).not.toContain('probe-tap-ok')
    expect(findings).toContainEqual(
      expect.objectContaining({
        level: 'note',
        subject: 'tap ext0',
        code: expect.stringMatching(/^probe-(skipped|tap-in-use)$/),
      }),
    )
    const errors = findings.filter(({ level }) => level === 'error')
    expect(errors.map(({ code, subject }) => [code, subject])).toEqual([['tap-in-use', 'tap ext0']])
    expect(pings).toEqual({ sent: 15, received: 15, duplicates: 0 })
  })
})
