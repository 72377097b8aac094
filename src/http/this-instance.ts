import { readlinkSync } from 'node:fs'

/** Who answers, so that a doctor beside it can tell whether it is in the same container. */
export interface InstanceIdentity {
  /** As its own container counts. */
  readonly pid: number
  /** CONTAINER_NAME, from the network resources injector. */
  readonly container: string | null
  /** e.g. `mnt:[4026532612]`; null where the kernel does not say. */
  readonly mountNamespace: string | null
}

/**
 * Containers of a pod share the network namespace, and so the addresses, and may share processes. Each has mounts of its
 * own, which `kubectl exec` enters.
 */
export function thisInstance(): InstanceIdentity {
  return { pid: process.pid, container: process.env.CONTAINER_NAME || null, mountNamespace: readMountNamespace() }
}

function readMountNamespace(): string | null {
  try {
    return readlinkSync('/proc/self/ns/mnt')
  } catch {
    return null
  }
}
