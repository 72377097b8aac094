import { describe, expect, test } from 'vitest'
import type { Environment } from '../../../../src/environment/types.js'
import { chooseProbes } from '../../../../src/preflight/choose-probes.js'
import { hugepages, machine, netdev, plan, tap, usableDevice, vf } from '../../plan/fixtures.js'

const onTap = { ports: '[{ device: "net_af_packet0,iface=vf0", exception: { backend: tap, tap: ext0 } }]' }

/** Kinds of what is chosen, those left out marked. */
function chosen(settings: Record<string, string>, changes: Partial<Environment> = {}, running = false): string[] {
  const environment = machine(changes)
  return chooseProbes(plan(settings, environment), environment, running).map(({ request, skip }) =>
    skip === null ? request.kind : `${request.kind}: ${skip}`,
  )
}

describe('the probes of a plan', () => {
  test('are only what it will use: without hugepages, VF and vhost-net that is the tap', () => {
    expect(chosen(onTap)).toEqual(['mempolicy', 'tap'])
  })

  test('touch a hugepage of the planned size where there are some', () => {
    const environment = machine({ hugepages: [hugepages('2Mi', 512)] })
    expect(chooseProbes(plan(onTap, environment), environment).map(({ request }) => request)).toContainEqual({
      kind: 'hugepage',
      pageBytes: 2 ** 21,
    })
  })

  test('ask vhost-net when the exception path goes through it', () => {
    const devices = { ...machine().devices, vhostNet: usableDevice('/dev/vhost-net') }
    expect(chosen({ ports: '[{ device: "net_af_packet0,iface=vf0" }]' }, { devices })).toContain('vhost-net')
  })

  test('ask VFIO for the group of a VF, and lock what it will pin', () => {
    const devices = {
      ...machine().devices,
      vfioContainer: usableDevice('/dev/vfio/vfio'),
      vfioGroups: [{ ...usableDevice('/dev/vfio/42'), group: 42 }],
    }
    const pciDevices = [vf('0000:3b:02.4'), vf('0000:3b:02.5', { iommuGroup: 43 })]
    const ofOneVf = { ports: '[{ device: "0000:3b:02.4", exception: { backend: none } }]' }
    const probes = chosen(ofOneVf, { devices, pciDevices })
    expect(probes).toEqual(['mempolicy', 'mlock', 'vfio-container', 'vfio-group'])
    expect(chosen(ofOneVf, { devices, pciDevices }, true).at(-1)).toBe('vfio-group: a running Spillway holds it')
  })

  test.each([
    ['that a program holds', [netdev('vf0'), { ...tap('ext0'), carrier: true }], 'tap: a program is attached to it'],
    ['that sysfs does not show', [netdev('vf0'), netdev('ext0', { kind: 'unknown', carrier: null })], 'tap'],
  ])('for a tap %s', (_what, netdevs, expected) => {
    expect(chosen(onTap, { netdevs }).at(-1)).toBe(expected)
  })

  test('leave a tap alone while a Spillway runs here', () => {
    expect(chosen(onTap, {}, true).at(-1)).toBe('tap: a running Spillway holds it')
  })
})
