import { z } from 'zod'
import { readPciAddress } from './pci-address.js'
import type { NetworkRequest, NetworkStatus } from './types.js'

const mostNetworks = 256

/** Texts come from annotations, which anybody who may edit the pod writes; the kernel's names have 15 characters. */
const text = z.string().max(1024)
const netdevName = z
  .string()
  .regex(/^[^\s/:]{1,15}$/)
  .nullable()
  .catch(null)
const mac = z
  .string()
  .regex(/^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/i)
  .transform((address) => address.toLowerCase())
  .nullable()
  .catch(null)
const ips = z.array(z.string().max(64)).max(64)

const requestSchema = z.object({
  name: text,
  namespace: text.optional(),
  interface: netdevName.optional(),
  mac: mac.optional(),
  ips: z
    .union([ips, text.transform((ip) => [ip])])
    .catch([])
    .optional(),
})

/** The request, k8s.v1.cni.cncf.io/networks: a JSON list, or names as `namespace/name@netdev` with commas. */
export function readNetworkRequests(annotation: string): NetworkRequest[] | undefined {
  if (!/^\s*[[{]/.test(annotation)) return readShortRequests(annotation)
  const parsed = z.array(requestSchema).max(mostNetworks).safeParse(readJson(annotation))
  return parsed.data?.map(({ name, namespace, interface: netdev, mac: address, ips: addresses }) => ({
    network: namespace === undefined ? name : `${namespace}/${name}`,
    netdev: netdev ?? null,
    mac: address ?? null,
    ips: addresses ?? [],
  }))
}

function readShortRequests(annotation: string): NetworkRequest[] | undefined {
  const words = annotation.split(',').map((word) => word.trim())
  const matches = words.map((word) => /^((?:[a-z0-9.-]{1,253}\/)?[a-z0-9.-]{1,253})(?:@([^\s/:]{1,15}))?$/.exec(word))
  if (words.length > mostNetworks || matches.includes(null)) return undefined
  return matches.map((match) => ({ network: match?.[1] ?? '', netdev: match?.[2] ?? null, mac: null, ips: [] }))
}

const path = text.nullable().catch(null).optional()

/** @see k8snetworkplumbingwg/device-info-spec 1.1.0 */
const deviceInfoSchema = z.object({
  type: text,
  pci: z.object({ 'pci-address': path, 'rdma-device': path }).optional().catch(undefined),
  vdpa: z.object({ 'pci-address': path, path }).optional().catch(undefined),
  'vhost-user': z.object({ path }).optional().catch(undefined),
  memif: z.object({ path }).optional().catch(undefined),
})

const statusSchema = z.object({
  name: text,
  interface: netdevName.optional(),
  mac: mac.optional(),
  mtu: z.int().min(68).max(65_535).nullable().catch(null).optional(),
  ips: ips.catch([]).optional(),
  default: z.boolean().catch(false).optional(),
  'device-info': deviceInfoSchema.nullable().catch(null).optional(),
})

/** The status that Multus writes, k8s.v1.cni.cncf.io/network-status. */
export function readNetworkStatus(annotation: string): NetworkStatus[] | undefined {
  const parsed = z.array(statusSchema).max(mostNetworks).safeParse(readJson(annotation))
  return parsed.data?.map((status) => ({
    network: status.name,
    netdev: status.interface ?? null,
    mac: status.mac ?? null,
    mtuBytes: status.mtu ?? null,
    ips: status.ips ?? [],
    default: status.default ?? false,
    device: readDevice(status['device-info'] ?? null),
  }))
}

function readDevice(info: z.infer<typeof deviceInfoSchema> | null): NetworkStatus['device'] {
  if (info === null) return null
  const address = info.pci?.['pci-address'] ?? info.vdpa?.['pci-address'] ?? ''
  return {
    type: info.type,
    pciAddress: readPciAddress(address) ?? null,
    rdmaDevice: info.pci?.['rdma-device'] ?? null,
    path: info['vhost-user']?.path ?? info.memif?.path ?? info.vdpa?.path ?? null,
  }
}

function readJson(annotation: string): unknown {
  try {
    return JSON.parse(annotation)
  } catch {
    return undefined
  }
}
