import type { Config, PortConfig } from '../config/schema.js'
import type { Environment } from '../environment/types.js'
import { SpillwayError } from '../errors.js'
import type { DecisionLog } from './decisions.js'
import { type LeftDevice, promisedNetworkDevices, sortPromised } from './promised-devices.js'

/** A port's configuration with the device it will be. */
export interface PortDevice {
  readonly port: PortConfig
  /** What `rte_dev_probe` takes; empty when there is no device. */
  readonly devargs: string
  /** In full and lower case; null for a vdev. */
  readonly pciAddress: string | null
  readonly numaNode: number | null
}

/**
 * Gives every port its device: the one it names, or the next that the device plugin promised. Only the variables of
 * this container count: network-status lists the VFs of the whole pod.
 *
 * Refuses with `ERR_DEVICE` when there is none, or it is not there.
 */
export function planDevices(ports: Config['ports'], environment: Environment, log: DecisionLog): PortDevice[] {
  const { takeable, left } = sortPromised(environment)
  const named = new Set(ports.map(({ device }) => pciAddressOf(device)))
  const free = takeable.filter(({ address }) => !named.has(address))
  const devices = ports.map((port) => {
    const subject = `port ${port.name}`
    if (port.device !== 'auto') {
      refuseMissingDevice(port, environment, log)
      log.note(subject, port.device, 'device names it')
      return withDevice(port, port.device, environment)
    }
    const next = free.shift()
    if (next === undefined) log.refuse(noDevice(port, environment))
    else log.note(subject, next.address, `the next address in ${next.variable}`)
    return withDevice(port, next?.address ?? '', environment)
  })
  if (ports.some(({ device }) => device === 'auto')) {
    tellOfLeft(
      left.filter(({ address }) => !named.has(address)),
      log,
    )
  }
  warnOfOtherContainers(environment, log)
  return devices
}

/** How many devices there are to take when the configuration lists no port. */
export function countPromisedDevices(environment: Environment): number {
  return sortPromised(environment).takeable.length
}

/** The netdev that an af_packet vdev opens. */
export function packetNetdevOf(devargs: string): string | undefined {
  return devargs.startsWith('net_af_packet') ? /,iface=([^,]*)/.exec(devargs)?.[1] : undefined
}

function withDevice(port: PortConfig, devargs: string, { pciDevices }: Environment): PortDevice {
  const pciAddress = pciAddressOf(devargs) ?? null
  const device = pciDevices.find(({ address }) => address === pciAddress)
  return { port, devargs, pciAddress, numaNode: device?.numaNode ?? null }
}

/** The PCI address that devargs begin with, in full and lower case; undefined for a vdev. */
function pciAddressOf(devargs: string): string | undefined {
  const name = (devargs.split(',')[0] ?? '').toLowerCase().replace(/^pci:/, '')
  if (/^[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]$/.test(name)) return `0000:${name}`
  return /^[0-9a-f]{4,8}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]$/.test(name) ? name : undefined
}

function refuseMissingDevice({ name, device }: PortConfig, environment: Environment, log: DecisionLog): void {
  const { pciDevices } = environment
  const netdevs = environment.netdevs.map((netdev) => netdev.name)
  const netdev = packetNetdevOf(device)
  if (netdev !== undefined && !netdevs.includes(netdev)) {
    log.refuse(
      new SpillwayError(
        'ERR_DEVICE',
        `port ${name}: need the netdev ${netdev} for ${device.split(',')[0]}, found ${listNames(netdevs)}`,
        { hint: `create ${netdev} in this network namespace, or name another device in ports` },
      ),
    )
  }
  const address = pciAddressOf(device)
  if (address !== undefined && !pciDevices.some((device) => device.address === address)) {
    log.refuse(
      new SpillwayError(
        'ERR_DEVICE',
        `port ${name}: need the PCI device ${address}, found ${pciDevices.length} other PCI devices`,
        { hint: 'see /sys/bus/pci/devices for what there is; `auto` takes what the device plugin gave the pod' },
      ),
    )
  }
}

function tellOfLeft(left: readonly LeftDevice[], log: DecisionLog): void {
  for (const { address, variable, why, found } of left) {
    if (why === 'not-network') {
      log.note(`device ${address}`, 'no port', `${variable} names it, and it is no network device (${found})`)
    } else {
      log.warn(
        `device ${address}`,
        'left to the kernel',
        `${variable} names it, its netdev ${found} is in this pod, and another device suits DPDK; ports[].device takes it ` +
          'all the same, once it is on vfio-pci',
      )
    }
  }
}

function noDevice({ name }: PortConfig, environment: Environment): SpillwayError {
  const variables = environment.devicePlugin.map(({ variable }) => variable)
  const further = sortPromised(environment).left.length === 0 ? 'address' : 'device for a port'
  const found = variables.length === 0 ? 'no PCIDEVICE_… variable' : `no further ${further} in ${variables.join(', ')}`
  return new SpillwayError('ERR_DEVICE', `port ${name}: need a device, found ${found}`, {
    hint:
      'request one from the SR-IOV device plugin in the pod spec, or name one, for instance ' +
      '--set ports.0.device=net_af_packet0,iface=eth1; `spillway lab` needs none',
  })
}

/**
 * With several containers and one resource, the VF that CNI configured and the one that the device plugin gave can be
 * swapped (sriov-cni#215), so what both say is compared.
 */
function warnOfOtherContainers(environment: Environment, log: DecisionLog): void {
  const given = promisedNetworkDevices(environment)
  const attached = (environment.pod.status ?? []).flatMap(({ device }) => device?.pciAddress ?? [])
  if (given.length === 0 || attached.length === 0) return
  const foreign = given.filter((address) => !attached.includes(address))
  const others = attached.filter((address) => !given.includes(address))
  const subject = 'devices of this container'
  if (foreign.length > 0) {
    log.warn(
      subject,
      given.join(', '),
      `the device plugin gave them, but network-status knows ${attached.join(', ')}: no network is configured on ` +
        `${foreign.join(', ')}; give each container a resource of its own`,
    )
  } else if (others.length > 0) {
    log.note(subject, given.join(', '), `network-status also lists ${others.join(', ')}, which another container has`)
  }
}

export function listNames(names: readonly string[]): string {
  const shown = names.slice(0, 12).join(', ')
  return names.length === 0 ? 'none' : names.length > 12 ? `${shown}, …` : shown
}
