import type { Environment } from '../environment/types.js'
import type { DecisionLog } from './decisions.js'
import type { PlannedMemory } from './memory.js'
import type { Plan, PlannedPort } from './types.js'

/** What the IOMMU maps besides the heap: the registers of each device. */
const deviceMib = 16
const bytesPerMib = 1024 * 1024

/**
 * Which way lets VFIO pin the memory that devices reach. With a memlock limit that is too small the port is made all the
 * same, some of its memory is mapped and the mempool is not: no packet ever arrives.
 */
export function planVfio(
  ports: readonly PlannedPort[],
  memory: PlannedMemory,
  environment: Environment,
  log: DecisionLog,
): Plan['vfio'] {
  const devices = pinningDevices(ports, environment)
  if (devices.length === 0) {
    log.note('VFIO', 'nothing is pinned', 'no port is a device that vfio-pci drives behind an IOMMU')
    return { pinning: 'none-needed', lockMib: 0 }
  }
  const lockMib = memory.mib + deviceMib * devices.length
  const { capabilities, memlockBytes } = environment.process
  const [subject, choice] = ['VFIO', `pins ${lockMib} MiB`]
  if (capabilities.effective.includes('CAP_IPC_LOCK')) {
    log.note(subject, choice, 'CAP_IPC_LOCK is effective, so no limit applies')
    return { pinning: 'ipc-lock', lockMib }
  }
  const limit = memlockBytes === null ? 'unlimited' : `${Math.floor(memlockBytes / 1024)} KiB`
  if (memlockBytes === null || memlockBytes >= lockMib * bytesPerMib) {
    log.note(subject, choice, `the memlock limit (${limit}) is large enough without CAP_IPC_LOCK`)
    return { pinning: 'memlock', lockMib }
  }
  log.warn(
    subject,
    choice,
    `but the memlock limit is ${limit} and CAP_IPC_LOCK is not effective: devices will not reach the mempool, and no packet ` +
      'arrives; add IPC_LOCK to the container and start it by spillway-launch, or raise memlock in the container runtime',
  )
  return { pinning: 'insufficient', lockMib }
}

function pinningDevices(ports: readonly PlannedPort[], { pciDevices }: Environment): readonly string[] {
  return ports.flatMap(({ pciAddress }) => {
    const device = pciDevices.find(({ address }) => address === pciAddress)
    return device?.driver?.startsWith('vfio') && !device.noIommu ? [device.address] : []
  })
}
