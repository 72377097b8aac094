import { describe, expect, it, test } from 'vitest'
import { accessOf } from '../../../../src/preflight/checks/access.js'
import { resourceNameOf, resourceOf } from '../../../../src/preflight/checks/resource-name.js'
import { machine } from '../../plan/fixtures.js'
import { capabilities } from './fixtures.js'

describe('the resource of a variable', () => {
  test.each([
    ['PCIDEVICE_OPENSHIFT_IO_SRIOVNIC', 'openshift.io/sriovnic', 'sriovnic'],
    ['PCIDEVICE_OPENSHIFT_IO_DPDK_NIC_1', 'openshift.io/dpdk_nic_1', 'dpdk_nic_1'],
    ['PCIDEVICE_INTEL_COM_INTEL_SRIOV_DPDK', 'intel.com/intel_sriov_dpdk', 'intel_sriov_dpdk'],
    ['PCIDEVICE_NET_EXAMPLE_ORG_VF-FAST', 'net.example.org/vf-fast', 'vf-fast'],
    ['PCIDEVICE_WEIRD', 'weird', 'weird'],
  ])('%s is %s', (variable, resource, name) => {
    expect(resourceOf(variable)).toBe(resource)
    expect(resourceNameOf(variable)).toBe(name)
  })
})

describe('the access that a mode gives', () => {
  const process = { ...machine().process, uid: 1001, gid: 1001, groups: [801] }

  test.each([
    ['the owner', { mode: 0o600, uid: 1001, gid: 0 }, { class: 'owner', allowed: true }],
    ['a group of ours', { mode: 0o660, uid: 0, gid: 801 }, { class: 'group', allowed: true }],
    ['everybody', { mode: 0o666, uid: 0, gid: 0 }, { class: 'others', allowed: true }],
    ['nobody of us', { mode: 0o660, uid: 0, gid: 36 }, { class: 'others', allowed: false }],
    ['readers only', { mode: 0o644, uid: 0, gid: 0 }, { class: 'others', allowed: false }],
    ['others, though not the owner', { mode: 0o066, uid: 1001, gid: 0 }, { class: 'owner', allowed: false }],
  ])('is that of %s', (_, owner, expected) => {
    expect(accessOf(owner, process)).toEqual(expected)
  })

  it('does not count with DAC_OVERRIDE', () => {
    const root = { ...process, capabilities: capabilities(['CAP_DAC_OVERRIDE']) }
    expect(accessOf({ mode: 0, uid: 0, gid: 0 }, root).allowed).toBe(true)
  })
})
