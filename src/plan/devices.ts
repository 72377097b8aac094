import type { Config, PortConfig } from '../config/schema.js'
import type { Environment } from '../environment/types.js'
import { SpillwayError } from '../errors.js'
import type { DecisionLog } from './decisions.js'

/** A port's configuration with the device it will be: what `rte_dev_probe` takes. */
export interface PortDevice {
  readonly port: PortConfig
  readonly devargs: string
}

/**
 * Gives every port its device: the one it names, or the next that the device plugin promised.
 *
 * @throws SpillwayError `ERR_DEVICE` when there is none, or it is not there.
 */
export function planDevices(ports: Config['ports'], environment: Environment, log: DecisionLog): PortDevice[] {
  const promised = environment.devicePlugin.flatMap(({ addresses, variable }) =>
    addresses.map((address) => ({ address, variable })),
  )
  const named = new Set(ports.map(({ device }) => pciAddressOf(device)))
  const free = promised.filter(({ address }) => !named.has(address))
  return ports.map((port) => {
    const subject = `port ${port.name}`
    if (port.device !== 'auto') {
      refuseMissingDevice(port, environment)
      log.note(subject, port.device, 'device names it')
      return { port, devargs: port.device }
    }
    const next = free.shift()
    if (next === undefined) throw noDevice(port, environment)
    log.note(subject, next.address, `the next address in ${next.variable}`)
    return { port, devargs: next.address }
  })
}

/** How many devices there are to take when the configuration lists no port. */
export function countPromisedDevices({ devicePlugin }: Environment): number {
  return devicePlugin.reduce((sum, { addresses }) => sum + addresses.length, 0)
}

/** The PCI address that devargs begin with, in full and lower case; undefined for a vdev. */
function pciAddressOf(devargs: string): string | undefined {
  const name = (devargs.split(',')[0] ?? '').toLowerCase().replace(/^pci:/, '')
  if (/^[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]$/.test(name)) return `0000:${name}`
  return /^[0-9a-f]{4,8}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]$/.test(name) ? name : undefined
}

/** The netdev that an af_packet vdev opens. */
function netdevOf(devargs: string): string | undefined {
  return devargs.startsWith('net_af_packet') ? /,iface=([^,]*)/.exec(devargs)?.[1] : undefined
}

function refuseMissingDevice({ name, device }: PortConfig, { pciDevices, netdevs }: Environment): void {
  const netdev = netdevOf(device)
  const names = netdevs.map(({ name }) => name)
  if (netdev !== undefined && !names.includes(netdev)) {
    throw new SpillwayError(
      'ERR_DEVICE',
      `port ${name}: need the netdev ${netdev} for ${device.split(',')[0]}, found ${listNames(names)}`,
      { hint: `create ${netdev} in this network namespace, or name another device in ports` },
    )
  }
  const address = pciAddressOf(device)
  if (address !== undefined && !pciDevices.some((device) => device.address === address)) {
    throw new SpillwayError(
      'ERR_DEVICE',
      `port ${name}: need the PCI device ${address}, found ${pciDevices.length} other PCI devices`,
      { hint: 'see /sys/bus/pci/devices for what there is; `auto` takes what the device plugin gave the pod' },
    )
  }
}

function noDevice({ name }: PortConfig, { devicePlugin }: Environment): SpillwayError {
  const variables = devicePlugin.map(({ variable }) => variable)
  const found = variables.length === 0 ? 'no PCIDEVICE_… variable' : `no further address in ${variables.join(', ')}`
  return new SpillwayError('ERR_DEVICE', `port ${name}: need a device, found ${found}`, {
    hint:
      'request one from the SR-IOV device plugin in the pod spec, or name one, for instance ' +
      '--set ports.0.device=net_af_packet0,iface=eth1; `spillway lab` needs none',
  })
}

export function listNames(names: readonly string[]): string {
  const shown = names.slice(0, 12).join(', ')
  return names.length === 0 ? 'none' : names.length > 12 ? `${shown}, …` : shown
}
