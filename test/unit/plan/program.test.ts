import { describe, expect, it } from 'vitest'
import type { Environment, ProcessEnvironment } from '../../../src/environment/types.js'
import { draftPlan } from '../../../src/plan/plan.js'
import { printPlanEnv } from '../../../src/plan/print.js'
import { planSchema } from '../../../src/plan/types.js'
import {
  config,
  decision,
  hugepages,
  machine,
  netdev,
  nullPort,
  plan,
  promised,
  tap,
  usableDevice,
  vf,
} from './fixtures.js'

const address = '0000:3b:02.4'
const process = (changes: Partial<ProcessEnvironment>, effective: string[] = []): ProcessEnvironment => ({
  ...machine().process,
  capabilities: { ...machine().process.capabilities, effective },
  ...changes,
})

/** A pod with a VF, a tap, hugepages and vhost-net. */
function pod(changes: Partial<Environment> = {}): Environment {
  const { devices } = machine()
  return machine({
    devicePlugin: [promised('PCIDEVICE_X', address)],
    pciDevices: [vf(address)],
    netdevs: [tap('ext0')],
    devices: { ...devices, vhostNet: usableDevice('/dev/vhost-net') },
    hugepages: [{ ...hugepages('2Mi', 4096), cgroup: { limit: 512, used: 0 }, available: 512 }],
    ...changes,
  })
}

describe('another program', () => {
  it('gets the VF, the tap by vhost-net with its MAC address, telemetry and all the memory but one page', () => {
    const { program } = plan({}, pod())
    expect(program.ealArgs).toEqual([
      ...['--lcores', '0@(0),1@1,2@2,3@3', '--in-memory', '--socket-mem', '1022', '--socket-limit', '1022'],
      ...['-a', address, '--vdev'],
      'virtio_user0,path=/dev/vhost-net,queues=1,queue_size=1024,iface=ext0,mac=02:00:00:00:00:10',
      '--iova-mode=va',
      '--file-prefix=spillway-exec',
    ])
    expect(program).toMatchObject({ pci: [address], lcores: '0@(0),1@1,2@2,3@3', taps: ['ext0'], missing: [] })
    expect(program.memory).toEqual({ pageSize: '2Mi', mib: 1022 })
  })

  it('gets as much memory as memory.mib says', () => {
    const { memory, program } = plan({ 'memory.mib': '256' }, pod())
    expect(program.ealArgs).toContain('256')
    expect(memory.mib).toBe(256)
  })

  it('gets no more than its devices may pin by the memlock limit', () => {
    const limited = pod({ process: process({ memlockBytes: 500 * 2 ** 20 }) })
    expect(plan({}, limited).vfio.pinning).toBe('memlock')
    expect(plan({}, limited).program.ealArgs.join(' ')).toContain('--socket-mem 484 ')
    expect(decision(plan({}, limited), 'memory of another program')?.reason).toContain('memlock')
  })

  it('gets the only page there is', () => {
    const one = { ...hugepages('1Gi', 8), cgroup: { limit: 1, used: 0 }, available: 1 }
    expect(plan({}, pod({ hugepages: [one] })).program.ealArgs.join(' ')).toContain('--socket-mem 1024')
  })

  it.each([
    [null, '1024'],
    [512 * 2 ** 20, '256'],
    [16 * 2 ** 20, '64'],
  ])('without hugepages and with a memory limit of %s bytes gets -m %s', (memoryLimitBytes, mib) => {
    const { program } = plan({}, pod({ hugepages: [], memoryLimitBytes }))
    expect(program.ealArgs.join(' ')).toContain(`--no-huge --no-shconf -m ${mib} `)
  })

  it('gets no PCI device that nobody gave it', () => {
    expect(plan(nullPort).program.ealArgs).toContain('--no-pci')
    expect(plan({}, pod()).program.ealArgs).not.toContain('--no-pci')
  })

  it('misses a MAC address that nobody knows, and is told the remedy', () => {
    const unknown = netdev('ext0', { kind: 'unknown', mac: null, mtuBytes: null })
    const { missing } = plan({}, pod({ netdevs: [unknown] })).program
    expect(missing).toHaveLength(1)
    expect(missing[0]).toContain('the MAC address of port vf0 is not known')
  })

  it("takes the tap by DPDK's net_tap only with CAP_NET_ADMIN, and says so when it cannot", () => {
    const without = { devices: machine().devices }
    const { program } = plan({}, pod({ ...without, process: process({}, ['CAP_NET_ADMIN']) }))
    expect(program.ealArgs).toContain('net_tap0,iface=ext0,mac=02:00:00:00:00:10')
    const poor = plan({}, pod(without)).program
    expect(poor.ealArgs.join(' ')).not.toContain('ext0')
    expect(poor.missing[0]).toContain('CAP_NET_ADMIN')
    expect(poor.missing[0]).toContain('needVhostNet: true')
  })

  it('is told what keeps it from a vhost-net that is there', () => {
    const path = '/dev/vhost-net'
    const vhostNet = { path, owner: null, state: 'refused', error: 'EACCES' } as const
    const [closed] = plan({}, pod({ devices: { ...machine().devices, vhostNet } })).program.missing
    expect(closed).toContain('when /dev/vhost-net can be opened, which gives EACCES here')
    const tapAsked = { ports: '[{ name: vf0, exception: { backend: tap } }]' }
    const [open] = plan(tapAsked, pod()).program.missing
    expect(open).toContain('ports[].exception.backend: vhost-net needs no capability')
  })

  it('is not told to take a tap with a single queue by net_tap, which cannot', () => {
    const single = { netdevs: [tap('ext0', { multiQueue: false })], process: process({}, ['CAP_NET_ADMIN']) }
    const { program } = plan({}, pod({ devices: machine().devices, ...single }))
    expect(program.ealArgs.join(' ')).not.toContain('net_tap')
    expect(program.missing[0]).toContain('multi_queue')
  })

  it('has a prefix of its container', () => {
    const named = { ...machine().pod, containerName: 'dp dk/app' }
    expect(plan({}, pod({ pod: named })).program.ealArgs).toContain('--file-prefix=spillway-dpdkapp')
  })

  it.each([{ driver: 'uio_pci_generic' }, { noIommu: true }])('uses physical addresses for %j', (changes) => {
    const made = plan({}, pod({ pciDevices: [vf(address, changes)] }))
    expect(made.program.ealArgs).toContain('--iova-mode=pa')
    expect(made.ealArgs).toContain('--iova-mode=pa')
  })

  it('is told in shell lines that a shell reads back', () => {
    expect(printPlanEnv(plan({}, pod()), '/run/x')).toContain(
      "LCORES='0@(0),1@1,2@2,3@3'\nPCI=0000:3b:02.4\nTAPS=ext0\nEAL_ARGS='--lcores '\\''0@(0),1@1",
    )
  })
})

describe('pinned memory', () => {
  const pinned = (changes: Partial<Environment>) => plan({}, pod(changes))

  it('needs nothing without a device that pins', () => {
    expect(plan().vfio).toEqual({ pinning: 'none-needed', lockMib: 0 })
    expect(pinned({ pciDevices: [vf(address, { noIommu: true })] }).vfio.pinning).toBe('none-needed')
  })

  it('is allowed by an effective CAP_IPC_LOCK, or by a large memlock limit', () => {
    const locks = process({ memlockBytes: 65_536 }, ['CAP_IPC_LOCK'])
    const made = pinned({ process: locks })
    expect(made.vfio).toEqual({ pinning: 'ipc-lock', lockMib: made.memory.mib })
    expect(pinned({ process: process({ memlockBytes: null }) }).vfio.pinning).toBe('memlock')
    expect(pinned({ process: process({ memlockBytes: 1024 * 2 ** 20 }) }).vfio.pinning).toBe('memlock')
  })

  it('is what EAL reserves and not a byte more', () => {
    const { mib } = pinned({}).memory
    expect(pinned({ process: process({ memlockBytes: mib * 2 ** 20 }) }).vfio).toEqual({
      pinning: 'memlock',
      lockMib: mib,
    })
    expect(pinned({ process: process({ memlockBytes: mib * 2 ** 20 - 1 }) }).vfio.pinning).toBe('insufficient')
  })

  it.each([64 * 1024, 8 * 2 ** 20])('is not allowed by a memlock limit of %i bytes, a warning', (memlockBytes) => {
    const made = pinned({ process: process({ memlockBytes }) })
    expect(made.vfio.pinning).toBe('insufficient')
    expect(decision(made, 'pinned memory')).toMatchObject({ level: 'warning' })
    expect(decision(made, 'pinned memory')?.reason).toContain(`memlock limit is ${memlockBytes / 1024} KiB`)
    expect(decision(made, 'pinned memory')?.reason).toContain('will be refused')
  })

  it('is not allowed by a capability of a user namespace', () => {
    const mapped = process({ userNamespace: true }, ['CAP_IPC_LOCK'])
    expect(pinned({ process: mapped }).vfio.pinning).toBe('insufficient')
  })

  it('is what a bifurcated VF needs too', () => {
    expect(pinned({ pciDevices: [vf(address, { driver: 'mlx5_core' })] }).vfio.pinning).toBe('insufficient')
  })
})

describe('a draft', () => {
  it('tells everything that is wrong, and is a plan all the same', () => {
    const settings = {
      lcores: '2,9',
      'memory.pageSize': '1Gi',
      ports: '[{ device: "0000:00:01.0", exception: { backend: vhost-net, tap: ext9 } }, {}]',
    }
    const { plan: drafted, problems } = draftPlan(config(settings), machine())
    expect(problems.map(({ code }) => code)).toEqual([
      'ERR_DEVICE',
      'ERR_DEVICE',
      'ERR_CPUS',
      'ERR_VHOST_NET',
      'ERR_TAP_MISSING',
      'ERR_HUGEPAGES',
    ])
    expect(planSchema.parse(drafted)).toEqual(drafted)
    expect(drafted.cpus.polling).toEqual([2])
    expect(drafted.ports[0]?.exception).toMatchObject({ backend: 'vhost-net', tap: 'ext9' })
    expect(drafted.program.missing[0]).toContain('port vf1 has no device')
  })

  it('chooses CPUs itself when none of those named may be used', () => {
    expect(draftPlan(config({ ...nullPort, lcores: '9' }), machine()).plan.cpus.polling).toEqual([1, 2, 3])
  })
})

describe('the runtime directory', () => {
  const fallback = { path: '/tmp', writable: true }
  it.each([
    [48, 'info'],
    [49, 'warning'],
  ])('of %i characters is a matter of %s: exec has no room for a socket below longer ones', (length, level) => {
    const path = `/run/${'x'.repeat(length - 5)}`
    const runtimeDirectory = { path, from: 'RUNTIME_DIRECTORY' as const, writable: true, fallback, prefixes: [] }
    expect(decision(plan(nullPort, machine({ runtimeDirectory })), 'runtime directory')?.level).toBe(level)
  })

  it('that cannot be written is a warning with the remedy', () => {
    const readOnly = { ...machine().kernel, rootReadOnly: true }
    const runtimeDirectory = { path: '/tmp', from: 'default' as const, writable: false, fallback, prefixes: [] }
    const made = plan(nullPort, machine({ kernel: readOnly, runtimeDirectory }))
    expect(decision(made, 'runtime directory')).toMatchObject({ level: 'warning' })
    expect(decision(made, 'runtime directory')?.reason).toContain('mount an emptyDir at /tmp')
  })
})
