import { vf } from '../../../plan/fixtures.js'
import { otherVfAddress, resource, tapStatus, variable, vfAddress, vfStatus } from '../fixtures.js'
import type { Row } from './row.js'

const otherContainer = {
  settings: { ports: `[{ device: "${otherVfAddress}" }]` },
  environment: { pciDevices: [vf(vfAddress), vf(otherVfAddress, { iommuGroup: 43 })] },
  pod: {
    containerName: 'app',
    status: [
      vfStatus(),
      vfStatus({ netdev: 'net2', device: { ...vfStatus().device, pciAddress: otherVfAddress } as never }),
    ],
  },
}

export const kubernetes: readonly Row[] = [
  [
    'the VF of another container',
    otherContainer,
    'pcidevice-other-container',
    'warning',
    /a VF of this container \(app\).*its variables name 0000:3b:02\.4/,
  ],
  [
    'a pod with more VFs than this container',
    otherContainer,
    'pcidevice-ambiguous',
    'note',
    /1 of the 2 VFs of the pod/,
  ],
  [
    'PCIDEVICE and network-status that disagree',
    { environment: { devicePlugin: [resource(otherVfAddress)], pciDevices: [vf(otherVfAddress)] } },
    'pcidevice-not-in-status',
    'warning',
    /network-status configured 0000:3b:02\.4.*now openshift\.io\/sriovnic/,
  ],
  [
    'a PCIDEVICE that sysfs does not show',
    { environment: { devicePlugin: [{ ...resource(vfAddress), addresses: [vfAddress, otherVfAddress] }] } },
    'pcidevice-absent',
    'warning',
    /0000:3b:02\.5 is not in/,
  ],
  [
    'a PCIDEVICE with other words',
    { environment: { devicePlugin: [{ ...resource(vfAddress), malformed: ['rese… (12 characters)'] }] } },
    'pcidevice-malformed',
    'warning',
    new RegExp(
      `rese… \\(12 characters\\).*if the pod spec sets it: remove ${variable} from env; if the device plugin did, .*ports\\[\\]\\.device`,
    ),
  ],
  [
    'an accelerator beside the VF',
    {
      environment: {
        devicePlugin: [resource(vfAddress), resource(otherVfAddress)],
        pciDevices: [vf(vfAddress), vf(otherVfAddress, { network: false, device: '0d5d' })],
      },
    },
    'pcidevice-not-network',
    'note',
    /8086:0d5d on vfio-pci, which is none/,
  ],
  [
    'a management VF beside the one for DPDK',
    {
      environment: {
        devicePlugin: [resource(vfAddress), resource(otherVfAddress)],
        pciDevices: [vf(vfAddress), vf(otherVfAddress, { driver: 'iavf', netdevs: ['eth0'] })],
      },
    },
    'pcidevice-kernel-netdev',
    'warning',
    /its netdev eth0 is in this pod.*none, if that is so/,
  ],
  [
    'an _INFO that is no JSON',
    { environment: { devicePlugin: [{ ...resource(vfAddress, null), infoProblem: 'not JSON' }] } },
    'pcidevice-info-unreadable',
    'note',
    /_INFO.*not JSON/,
  ],
  [
    'network-status without device-info',
    { pod: { status: [vfStatus({ device: null }), tapStatus()] } },
    'device-info-absent',
    'note',
    /old Multus/,
  ],
  ['no podnetinfo', { pod: { podnetinfo: false, status: null } }, 'podnetinfo-absent', 'note', /enableInjector: true/],
  [
    'a network-status that is late',
    { pod: { status: null, requested: [{ network: 'test/tap-one', netdev: 'ext0', mac: null, ips: [] }] } },
    'network-status-late',
    'warning',
    /the request \(test\/tap-one\), not the status.*waitMs/,
  ],
  [
    'annotations that cannot be read',
    { pod: { problems: ['network-status: not JSON'] } },
    'podnetinfo-malformed',
    'warning',
    /not JSON/,
  ],
  ['a pod of kata', { kernel: { containerRuntime: 'kata' } }, 'runtime-kata', 'warning', /runtimeClassName/],
  [
    'a pod with hostUsers: false',
    { process: { userNamespace: true } },
    'runtime-user-namespace',
    'note',
    /hostUsers: false/,
  ],
  [
    'a plan that exec cannot use in full',
    { plan: (plan) => ({ ...plan, program: { ...plan.program, missing: ['no MAC is known'] } }) },
    'program-incomplete',
    'note',
    /no MAC is known/,
  ],
  [
    'a device that nobody gave',
    { environment: { devicePlugin: [] } },
    'device-missing',
    'error',
    /PCIDEVICE_… variable.*requests no resource.*resources\.limits/,
  ],
  [
    'a device that nobody gave, on a machine',
    { environment: { devicePlugin: [] }, pod: { kubernetes: false }, kernel: { containerRuntime: null } },
    'device-missing',
    'error',
    /the configuration names none.*net_af_packet0/,
  ],
  [
    'more ports than devices',
    { settings: { ports: '[{ name: a }, { name: b }]' } },
    'device-missing',
    'error',
    /port b .*no further .*openshift\.io\/sriovnic in this container, 2 in all/,
  ],
  [
    'an address of another node',
    { settings: { ports: `[{ device: "${otherVfAddress}" }]` } },
    'device-missing',
    'error',
    /0000:3b:02\.5.*another node.*ports\[\]\.device: auto/,
  ],
  [
    'a netdev that is not there',
    { settings: { ports: '[{ device: "net_af_packet0,iface=net7" }]' } },
    'device-missing',
    'error',
    /the netdev net7.*no netdev of that name.*NETWORK@net7/,
  ],
  [
    'a CPU that the pod has not',
    { settings: { lcores: '99' } },
    'plan-refused',
    'error',
    /CPU.*a CPU was asked for that this process may not use/,
  ],
]
