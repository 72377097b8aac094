import { describe, expect, it } from 'vitest'
import { netdev, vf } from '../../plan/fixtures.js'
import { findingsOf, otherVfAddress, resource, type Said, theTap, vfAddress } from './fixtures.js'

function beside(other: Parameters<typeof vf>[1], settings: Record<string, string> = {}): Said {
  return {
    settings,
    environment: {
      devicePlugin: [resource(vfAddress), { ...resource(otherVfAddress), variable: 'PCIDEVICE_EXAMPLE_COM_OTHER' }],
      pciDevices: [vf(vfAddress), vf(otherVfAddress, other)],
      netdevs: [netdev('lo', { kind: 'loopback' }), theTap(), netdev('mgmt0')],
    },
  }
}
const management = { driver: 'iavf', netdevs: ['mgmt0'] }
const about = (said: Said) => findingsOf(said).filter(({ subject }) => subject.includes(otherVfAddress))

describe('a promised device beside the VF for DPDK', () => {
  it('that is an accelerator is a note', () => {
    const found = about(beside({ network: false, device: '0d5d' }))
    expect(found).toContainEqual(
      expect.objectContaining({ code: 'pcidevice-not-network', level: 'note', remedy: null }),
    )
    expect(found.map(({ level }) => level)).toEqual(['note'])
  })

  it('that the kernel has is a warning, and nobody is told to take it away from the kernel', () => {
    const found = about(beside(management))
    expect(found).toContainEqual(
      expect.objectContaining({
        code: 'pcidevice-kernel-netdev',
        level: 'warning',
        found: expect.stringContaining('netdev mgmt0'),
        remedy: expect.stringMatching(
          /^none, if that is so; .*resourceName: other: .*ports\[\]\.device: "0000:3b:02\.5"$/,
        ),
      }),
    )
    expect(found.map(({ code }) => code)).not.toContain('vf-kernel-driver')
  })

  it('that the kernel has is an error of its driver when ports[].device names it', () => {
    const named = about(beside(management, { ports: `[{}, { device: "${otherVfAddress}" }]` }))
    expect(named.map(({ code }) => code)).toContain('vf-kernel-driver')
    expect(named.map(({ code }) => code)).not.toContain('pcidevice-kernel-netdev')
  })

  it('is nobody’s business when every port names its device', () => {
    const codes = about(beside(management, { ports: `[{ device: "${vfAddress}" }]` })).map(({ code }) => code)
    expect(codes).not.toContain('pcidevice-kernel-netdev')
  })
})
