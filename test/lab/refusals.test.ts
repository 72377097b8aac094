import { afterEach, describe, expect, test } from 'vitest'
import { errorOf } from '../../src/lab/instance.js'
import type { Settings } from '../../src/lab/lab-config.js'
import { labNetwork } from '../../src/lab/topology.js'
import { closeLabs, type LabSpec, startLab } from './lab-fixture.js'

afterEach(closeLabs)

const isRoot = process.getuid?.() === 0

/** Settings of the lab with another device or exception path for its port. */
function port(change: { device?: string; exception?: Settings }): NonNullable<LabSpec['settings']> {
  return (settings) => ({
    ...settings,
    ports: (settings.ports as readonly Settings[]).map((given) => ({ ...given, ...change })),
  })
}

/** What a `run` that must not start ends with. */
async function refusal(
  spec: LabSpec,
): Promise<{ code: string; exitCode: number | null; message: string; hint: string }> {
  const { instance } = await startLab(spec)
  const ended = await instance.ended
  const { code, message, hint } = errorOf(ended, instance.lastLines())
  return { code, exitCode: ended.exitCode, message, hint: hint ?? '' }
}

describe('run refuses to start', () => {
  test('when the tap does not exist', async () => {
    const error = await refusal({ settings: port({ exception: { backend: 'tap', tap: 'ext7' } }) })
    expect(error).toMatchObject({ code: 'ERR_TAP_MISSING', exitCode: 69, message: expect.stringContaining('ext7') })
    expect(error.hint).not.toBe('')
  })

  test('when what is named as tap is something else', async () => {
    const error = await refusal({ settings: port({ exception: { backend: 'tap', tap: labNetwork.vf } }) })
    expect(error).toMatchObject({
      code: 'ERR_TAP_NOT_A_TAP',
      exitCode: 69,
      message: expect.stringContaining(labNetwork.vf),
    })
    expect(error.hint).not.toBe('')
  })

  test('when a single-queue tap is asked for two queues', async () => {
    const error = await refusal({ settings: port({ exception: { backend: 'tap', tap: labNetwork.tap, queues: 2 } }) })
    expect(error).toMatchObject({ code: 'ERR_TAP_QUEUES', exitCode: 69 })
    expect(error.message).toMatch(/2/)
    expect(error.hint).toMatch(/multi_?queue/i)
  })

  test('when the device does not exist', async () => {
    const error = await refusal({ settings: port({ device: 'net_af_packet0,iface=nosuch0' }) })
    expect(error).toMatchObject({ code: 'ERR_DEVICE', exitCode: 69, message: expect.stringContaining('nosuch0') })
  })

  // A user namespace of one's own has one user; the tap of another one needs real root.
  test.skipIf(!isRoot)('when the tap belongs to another user (needs root to make one)', async () => {
    const error = await refusal({
      isolation: 'root',
      prepare: async ({ pod }) => {
        await pod.run(['ip', 'link', 'del', labNetwork.tap])
        await pod.run(['ip', 'tuntap', 'add', 'dev', labNetwork.tap, 'mode', 'tap', 'user', '1234'])
      },
      through: ['setpriv', '--bounding-set', '-net_admin', '--inh-caps', '-net_admin', '--'],
    })
    expect(error).toMatchObject({ code: 'ERR_TAP_OWNER', exitCode: 69, message: expect.stringContaining('1234') })
    expect(error.hint).not.toBe('')
  })
})
