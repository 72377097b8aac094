import { z } from 'zod'
import { readPciAddress } from './pci-address.js'
import type { PluginDeviceInfo, PluginResource } from './types.js'

type Variables = Readonly<Record<string, string | undefined>>

const prefix = 'PCIDEVICE_'
const mostAddresses = 256
const mostShown = 4
/** A variable of a process cannot be longer than 128 KiB (MAX_ARG_STRLEN). */
const longestInfo = 131_072

/**
 * The SR-IOV device plugin's lists: PCIDEVICE_<PREFIX>_<RESOURCE>=0000:3b:02.4,0000:3b:02.5. A variable that
 * ends in _INFO is JSON about the same devices, unless the resource itself is named so. Resource names may hold `-`,
 * so shells may not see the variable.
 */
export function discoverDevicePlugin(env: Variables): PluginResource[] {
  const variables = Object.keys(env).filter((name) => name.startsWith(prefix) && !isInfo(name, env))
  return variables.sort().map((variable) => {
    const words = (env[variable] ?? '').split(',').map((word) => word.trim())
    const given = words.filter((word) => word !== '').slice(0, mostAddresses)
    return {
      variable,
      addresses: [...new Set(given.flatMap((word) => readPciAddress(word) ?? []))],
      malformed: given.filter((word) => readPciAddress(word) === undefined).map(hint),
      ...readInfo(env[`${variable}_INFO`]),
    }
  })
}

/** Enough of a word to know it again: it may be anything, a secret too, and what is read here goes into reports. */
function hint(word: string): string {
  const letters = [...word]
  const shown = letters.slice(0, Math.min(mostShown, Math.floor(letters.length / 2))).join('')
  return `${shown}… (${letters.length} character${letters.length === 1 ? '' : 's'})`
}

/** A resource may be called `nic_info`, and then its list ends so too: what is inside decides. */
function isInfo(name: string, env: Variables): boolean {
  if (!name.endsWith('_INFO')) return false
  const value = (env[name] ?? '').trim()
  const belongsToList = env[name.slice(0, -'_INFO'.length)] !== undefined
  return value.startsWith('{') || (belongsToList && readPciAddress(value.split(',')[0] ?? '') === undefined)
}

const texts = z.record(z.string(), z.unknown())
const infoSchema = z.record(z.string(), z.record(z.string(), z.unknown()))

function readInfo(text: string | undefined): Pick<PluginResource, 'info' | 'infoProblem'> {
  if (text === undefined || text === '') return { info: null, infoProblem: null }
  if (text.length > longestInfo) return { info: null, infoProblem: `${text.length} characters are too many` }
  try {
    const entries = Object.entries(infoSchema.parse(JSON.parse(text))).slice(0, mostAddresses)
    const devices = entries.flatMap(([key, providers]) => {
      const address = readPciAddress(key)
      return address === undefined ? [] : [[address, describeDevice(providers)] as const]
    })
    return { info: Object.fromEntries(devices), infoProblem: null }
  } catch (error) {
    const problem = error instanceof SyntaxError ? 'it is no JSON' : 'it is no map of devices'
    return { info: null, infoProblem: problem }
  }
}

/** The plugin's README and its code spell the keys differently; both were seen. */
function describeDevice(providers: Record<string, unknown>): PluginDeviceInfo {
  const pick = (provider: string, ...keys: string[]): string | null => {
    const fields = texts.safeParse(providers[provider]).data ?? {}
    const value = keys.map((key) => fields[key]).find((found) => typeof found === 'string' && found !== '')
    return typeof value === 'string' ? value.slice(0, 256) : null
  }
  return {
    vfioContainer: pick('vfio', 'mount', 'vfio-mount'),
    vfioGroup: pick('vfio', 'dev-mount', 'vfio-dev-mount'),
    vhostNet: pick('vhost', 'net-mount', 'vhost-net-mount'),
    tun: pick('vhost', 'tun-mount', 'vhost-tun-mount'),
    rdmaDevice: pick('rdma', 'rdma_dev', 'rdma-dev'),
    uverbs: pick('rdma', 'uverbs', 'rdma_uverbs'),
  }
}
