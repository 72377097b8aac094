import type { Environment, PluginResource } from '../../environment/types.js'
import { resourceNameOf } from './resource-name.js'

interface Story {
  readonly cause: string
  readonly remedy: string
}

const modprobe =
  'modprobe vhost_net on the node, then restart the device plugin pod, which looks for it only at its start'

/**
 * Why a container has no /dev/vhost-net. Nobody logs it where the pod sees it: the device plugin looks for the device once,
 * gives it only with a resource whose policy asks for it, and says nothing when it has none to give.
 */
export function explainMissing(environment: Environment): Story {
  const { devicePlugin, pod, kernel } = environment
  const [resource] = devicePlugin
  if (!pod.kubernetes) return outsideKubernetes(environment)
  if (resource === undefined) return notRequested(pod.containerName)
  if (infosOf(devicePlugin).some(({ vhostNet }) => vhostNet !== null)) return promised(resource)
  return kernel.vhost === null ? withoutModule(resource) : withoutPolicy(resource, devicePlugin)
}

function infosOf(devicePlugin: readonly PluginResource[]) {
  return devicePlugin.flatMap(({ info }) => Object.values(info ?? {}))
}

function outsideKubernetes({ kernel }: Environment): Story {
  if (kernel.containerRuntime === null) {
    return { cause: 'the module vhost_net is not loaded', remedy: 'node: modprobe vhost_net' }
  }
  const remedy = 'container: --device /dev/vhost-net --device /dev/net/tun'
  return { cause: 'the container was started without the device', remedy }
}

function notRequested(containerName: string | null): Story {
  const container = `this container${containerName === null ? '' : ` (${containerName})`}`
  return {
    cause: `${container} has no PCIDEVICE_… variable: it requests no resource of the SR-IOV device plugin, which would bring the device`,
    remedy:
      'pod spec: resources.limits: {openshift.io/RESOURCE: "1"} in this container; the policy of that resource with spec.needVhostNet: true',
  }
}

function promised({ variable }: PluginResource): Story {
  return {
    cause: `${variable}_INFO promises it, but it was not put into the container: another container of the pod got it, or the runtime's CDI hook failed`,
    remedy: `pod spec: request the resource ${resourceNameOf(variable)} in this container; see the events of the pod and the log of the device plugin`,
  }
}

function withoutModule({ variable }: PluginResource): Story {
  return {
    cause: `the module vhost is not loaded on this node, so the device plugin had nothing to give (${variable}_INFO has no vhost)`,
    remedy: `${policyOf(variable)}; ${modprobe}`,
  }
}

function withoutPolicy({ variable }: PluginResource, devicePlugin: readonly PluginResource[]): Story {
  const said = infosOf(devicePlugin).length === 0 ? 'has no readable _INFO' : 'has an _INFO without vhost'
  return {
    cause: `${variable} ${said}: the policy of ${resourceNameOf(variable)} lacks needVhostNet, or an earlier selector of higher priority owns the VF, or vhost_net was loaded after the device plugin started`,
    remedy: `${policyOf(variable)}; look for another policy that selects the same VF with a lower spec.priority number; if both are right: ${modprobe}`,
  }
}

function policyOf(variable: string): string {
  return `SriovNetworkNodePolicy with resourceName: ${resourceNameOf(variable)}: spec.needVhostNet: true`
}
