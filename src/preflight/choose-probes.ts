import { isForTap } from '../config/terms.js'
import { pageKib } from '../environment/hugepages.js'
import type { Environment } from '../environment/types.js'
import type { Plan, PlannedPort } from '../plan/types.js'
import type { ChosenProbe } from './probe-runner.js'
import type { ProbeRequest } from './probes/messages.js'

/** More mounts than a pod has; a machine with many gets its first ones looked at. */
const MOST_MOUNTS = 8

/**
 * Which probes this plan calls for: what it will use and discovery did not already find missing. Pure.
 *
 * @param running  an instance runs in this network namespace, and what it holds is not to be touched
 */
export function chooseProbes(plan: Plan, environment: Environment, running = false): ChosenProbe[] {
  const inUse = running ? 'a running Spillway holds it' : null
  return [
    { request: { kind: 'mempolicy' }, skip: null },
    ...hugepage(plan, environment).map((request) => ({ request, skip: null })),
    ...environment.hugetlbMounts
      .slice(0, MOST_MOUNTS)
      .map(({ path }): ChosenProbe => ({ request: { kind: 'hugetlb-mount', path }, skip: null })),
    ...mlock(plan).map((request) => ({ request, skip: null })),
    ...vfio(plan, environment, inUse),
    ...vhostNet(plan, environment).map((request) => ({ request, skip: null })),
    ...plan.ports.flatMap((port) => tap(port, environment, inUse)),
  ]
}

/** Only where there should be one: that there is none is told better by who counted them. */
function hugepage({ memory: { pageSize } }: Plan, { hugepages }: Environment): ProbeRequest[] {
  if (pageSize === 'none') return []
  const pages = hugepages.find(({ size }) => size === pageSize)
  return pages !== undefined && pages.available > 0 ? [{ kind: 'hugepage', pageBytes: pageKib(pageSize) * 1024 }] : []
}

function mlock({ vfio: { pinning, lockMib } }: Plan): ProbeRequest[] {
  return pinning === 'none-needed' || lockMib === 0 ? [] : [{ kind: 'mlock', bytes: lockMib * 2 ** 20 }]
}

function vhostNet({ ports }: Plan, { devices }: Environment): ProbeRequest[] {
  const { state, path } = devices.vhostNet
  const planned = ports.some(({ exception }) => exception.backend === 'vhost-net')
  return planned && state !== 'missing' ? [{ kind: 'vhost-net', path }] : []
}

/** VFs that VFIO hands over: the container once, then the group of each. */
function vfio(plan: Plan, { pciDevices, devices }: Environment, skip: string | null): ChosenProbe[] {
  const addresses = new Set(plan.ports.map(({ pciAddress }) => pciAddress))
  const groups = pciDevices
    .filter(({ address, driver }) => driver === 'vfio-pci' && addresses.has(address))
    .map(({ iommuGroup }) => devices.vfioGroups.find(({ group }) => group === iommuGroup))
    .filter((node) => node !== undefined)
  if (groups.length === 0) return []
  const { path, state } = devices.vfioContainer
  const container: ChosenProbe[] =
    state === 'missing' ? [] : [{ request: { kind: 'vfio-container', path }, skip: null }]
  const paths = [...new Set(groups.map((node) => node.path))]
  return [...container, ...paths.map((group): ChosenProbe => ({ request: { kind: 'vfio-group', path: group }, skip }))]
}

/** Only a tap that exists: to attach to one that does not would make it. */
function tap({ exception }: PlannedPort, { netdevs, devices }: Environment, running: string | null): ChosenProbe[] {
  const netdev = netdevs.find(({ name }) => name === exception.tap)
  if (!isForTap(exception.backend) || netdev === undefined || devices.tun.state !== 'usable') return []
  if (netdev.kind !== 'tap' && netdev.kind !== 'unknown') return []
  const request: ProbeRequest = {
    kind: 'tap',
    device: devices.tun.path,
    tap: netdev.name,
    queues: exception.queues,
    multiQueue: netdev.tap?.multiQueue ?? null,
  }
  return [{ request, skip: running ?? (netdev.carrier === true ? 'a program is attached to it' : null) }]
}
