import type { Config } from '../config/schema.js'
import { isForTap } from '../config/terms.js'
import type { Environment } from '../environment/types.js'
import { DecisionLog } from './decisions.js'
import { planDevices } from './devices.js'
import { findNetwork, macOf } from './networks.js'
import { listPorts } from './ports.js'
import { mayBeTap } from './taps.js'

/**
 * Whether it is worth waiting for network-status, which the kubelet writes some time after the start: only when the pod asked for
 * networks, the annotation is not there yet, and it would decide something. `run` asks it which of several taps belongs to
 * a VF, whatever their names are: a container does not see the VFs of the others, but all taps; `exec` also for the MAC address of a VF that has no netdev.
 */
export function needsNetworkStatus(config: Config, environment: Environment, purpose: 'run' | 'exec' = 'run'): boolean {
  const { pod, netdevs } = environment
  if (!pod.podnetinfo || pod.status !== null || pod.requested === null) return false
  const devices = planDevices(listPorts(config, environment), environment, new DecisionLog())
  return devices.some((device) => {
    const { backend, tap } = device.port.exception
    if (device.pciAddress === null || !isForTap(backend) || macOf(findNetwork(device, environment)) !== null)
      return false
    const named = tap !== 'auto'
    const taps = netdevs.filter(mayBeTap).length
    return purpose === 'exec' ? named || taps > 0 : !named && taps > 1
  })
}
