import type { HostFiles } from './host-files.js'
import { readPciAddress } from './pci-address.js'
import type { Netdev, TapAttributes } from './types.js'

type Attributes = Pick<
  Netdev,
  'kind' | 'mac' | 'mtuBytes' | 'up' | 'carrier' | 'tap' | 'parent' | 'bridge' | 'pciAddress'
>

/** IFF_UP. @see linux/if.h */
const iffUp = 1
/** @see linux/if_tun.h */
const tunFlags = { tap: 0x2, multiQueue: 0x100, persistent: 0x800, vnetHdr: 0x4000 }
/** Bridges and bonds have netdevs below them too, but those are their ports. */
const stackable: readonly Netdev['kind'][] = ['vlan', 'macvlan', 'ipvlan']
/** ARPHRD_LOOPBACK. @see linux/if_arp.h */
const typeLoopback = 772

/** What sysfs says of a netdev. @see kernel Documentation/ABI/testing/sysfs-class-net */
export function readNetdevAttributes(files: HostFiles, name: string): Attributes {
  const folder = `sys/class/net/${name}`
  const names = files.names(folder)
  const flags = readHex(files, `${folder}/flags`)
  const tun = names.includes('tun_flags') ? readHex(files, `${folder}/tun_flags`) : null
  const pciAddress = names.includes('device') ? readPciAddress(files.linkName(`${folder}/device`) ?? '') : undefined
  const kind = readKind(files, folder, names, tun)
  return {
    kind,
    mac: readMac(files.text(`${folder}/address`)),
    mtuBytes: files.number(`${folder}/mtu`) ?? null,
    up: flags === null ? null : (flags & iffUp) !== 0,
    carrier: readCarrier(files, folder, flags),
    tap: tun === null ? null : readTap(files, folder, tun),
    parent: stackable.includes(kind)
      ? (names.flatMap((entry) => /^lower_(.+)$/.exec(entry)?.[1] ?? [])[0] ?? null)
      : null,
    // A master is a bridge's, a bond's or a VRF's; only a bridge makes the netdev a port of it.
    bridge: names.includes('brport') ? (files.linkName(`${folder}/master`) ?? null) : null,
    pciAddress: pciAddress ?? null,
  }
}

function readKind(files: HostFiles, folder: string, names: readonly string[], tun: number | null): Netdev['kind'] {
  if (tun !== null) return (tun & tunFlags.tap) === 0 ? 'tun' : 'tap'
  if (files.number(`${folder}/type`) === typeLoopback) return 'loopback'
  if (names.includes('bridge')) return 'bridge'
  if (names.includes('device')) return 'device'
  const devtype = /^DEVTYPE=(\w+)$/m.exec(files.text(`${folder}/uevent`) ?? '')?.[1]
  const named = (['vlan', 'macvlan', 'ipvlan', 'veth'] as const).find((kind) => kind === devtype)
  if (named !== undefined) return named
  if (devtype === undefined && isStacked(names)) return readStackedKind(files, folder, names)
  return isPaired(files, folder, names) ? 'veth' : 'other'
}

/** On one netdev below, and no bond. */
function isStacked(names: readonly string[]): boolean {
  return names.filter((entry) => entry.startsWith('lower_')).length === 1 && !names.includes('bonding')
}

/** A macvlan does not say that it is one, nor does ipvlan everywhere; an ipvlan shares the MAC of what is below. */
function readStackedKind(files: HostFiles, folder: string, names: readonly string[]): Netdev['kind'] {
  const lower = names.find((entry) => entry.startsWith('lower_'))
  const own = files.text(`${folder}/address`)
  return own !== undefined && own === files.text(`${folder}/${lower}/address`) ? 'ipvlan' : 'macvlan'
}

/** A veth is linked to a netdev that is not below it: its peer, mostly in another namespace. */
function isPaired(files: HostFiles, folder: string, names: readonly string[]): boolean {
  const [index, link] = [files.number(`${folder}/ifindex`), files.number(`${folder}/iflink`)]
  return index !== undefined && link !== undefined && link !== 0 && index !== link && !isStacked(names)
}

/** The file cannot be read while the netdev is down. */
function readCarrier(files: HostFiles, folder: string, flags: number | null): boolean | null {
  if (flags === null || (flags & iffUp) === 0) return null
  const carrier = files.number(`${folder}/carrier`)
  return carrier === undefined ? null : carrier === 1
}

function readTap(files: HostFiles, folder: string, flags: number): TapAttributes {
  return {
    multiQueue: (flags & tunFlags.multiQueue) !== 0,
    vnetHdr: (flags & tunFlags.vnetHdr) !== 0,
    persistent: (flags & tunFlags.persistent) !== 0,
    owner: readId(files, `${folder}/owner`),
    group: readId(files, `${folder}/group`),
  }
}

/** -1 is nobody in particular. */
function readId(files: HostFiles, path: string): number | null {
  const id = files.number(path)
  return id === undefined || id < 0 ? null : id
}

function readHex(files: HostFiles, path: string): number | null {
  const text = files.text(path)?.trim() ?? ''
  return /^0x[0-9a-f]{1,8}$/i.test(text) ? Number(text) : null
}

function readMac(text: string | undefined): string | null {
  return /^[0-9a-f]{2}(?::[0-9a-f]{2}){5}$/.exec(text?.trim() ?? '')?.[0] ?? null
}
