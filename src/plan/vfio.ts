import type { Environment } from '../environment/types.js'
import type { DecisionLog } from './decisions.js'
import { isBifurcated, onVfio } from './drivers.js'
import type { PlannedMemory } from './memory.js'
import type { Plan, PlannedPort } from './types.js'

const bytesPerMib = 1024 * 1024

/**
 * Which way lets VFIO, or RDMA for a bifurcated driver, pin the memory that devices reach. That is the memory which EAL
 * reserves at start, with queues and mempools in it; the registers of a device are not counted. With a memlock limit below
 * it EAL cannot map it, and refuses the device. (Only a program that reserves nothing gets its port, some memory mapped and
 * the mempool not: no packet ever arrives.)
 */
export function planVfio(
  ports: readonly PlannedPort[],
  memory: PlannedMemory,
  environment: Environment,
  log: DecisionLog,
): Plan['vfio'] {
  const devices = pinningDevices(ports, environment)
  if (devices.length === 0) {
    log.note('pinned memory', 'none', 'no port is a device that reaches memory by VFIO or RDMA')
    return { pinning: 'none-needed', lockMib: 0 }
  }
  const lockMib = memory.mib
  const { capabilities, memlockBytes, userNamespace } = environment.process
  const [subject, choice] = ['pinned memory', `${lockMib} MiB`]
  // The kernel asks for the capability in the first user namespace.
  if (capabilities.effective.includes('CAP_IPC_LOCK') && !userNamespace) {
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
    `but the memlock limit is ${limit} and CAP_IPC_LOCK ${userNamespace ? 'counts for nothing in a user namespace' : 'is not effective'}: the ` +
      'devices will be refused; add IPC_LOCK to the container and start it by spillway-launch, or raise memlock in the container runtime',
  )
  return { pinning: 'insufficient', lockMib }
}

function pinningDevices(ports: readonly PlannedPort[], { pciDevices }: Environment): readonly string[] {
  return ports.flatMap(({ pciAddress }) => {
    const device = pciDevices.find(({ address }) => address === pciAddress) ?? null
    if (device === null) return []
    const vfio = onVfio(device) && !device.noIommu
    return vfio || isBifurcated(device) ? [device.address] : []
  })
}
