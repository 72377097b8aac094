import type { HostFiles } from './host-files.js'

export interface Controller {
  readonly version: 1 | 2
  /** Folders with its files: the container's own cgroup first, then those above it as far as they can be seen. */
  readonly folders: readonly string[]
}

const mountPoint = 'sys/fs/cgroup'

/** Cgroups nest, but not without end. */
const deepest = 16

/**
 * Finds where a controller's files are. A container usually sees its own cgroup at the mount's root, whatever path
 * /proc/self/cgroup shows; with the host's mount it is at that path, and the pod's cgroup is the one above.
 *
 * @see cgroups(7), cgroup_namespaces(7)
 */
export class Cgroups {
  readonly #files: HostFiles
  readonly #mounts: readonly string[]
  /** By controller of v1; the empty name is the v2 tree. */
  readonly #paths: ReadonlyMap<string, string>

  constructor(files: HostFiles) {
    this.#files = files
    this.#mounts = files.names(mountPoint)
    this.#paths = readPaths(files.text('proc/self/cgroup') ?? '')
  }

  controller(name: string): Controller | null {
    const mount = this.#mounts.find((entry) => entry.split(',').includes(name))
    if (mount !== undefined) return this.#controller(1, `${mountPoint}/${mount}`, name)
    if (this.#mounts.includes('cgroup.controllers') || this.#looksUnified()) {
      return this.#controller(2, mountPoint, '')
    }
    // A hybrid machine: v1 for most, and what v1 does not have is on the v2 tree.
    if (this.#mounts.includes('unified')) return this.#controller(2, `${mountPoint}/unified`, '')
    return null
  }

  /** The first of its folders that has this file, with its text. */
  nearest(controller: Controller | null, file: string): string | undefined {
    for (const folder of controller?.folders ?? []) {
      const text = this.#files.text(`${folder}/${file}`)
      if (text !== undefined) return text
    }
    return undefined
  }

  /** A container whose own cgroup is the mount's root has the files of a group, and not always those of the tree. */
  #looksUnified(): boolean {
    return this.#mounts.some((name) => /^(?:cpu\.max|cpuset\.cpus\.effective|memory\.max|hugetlb\..+\.max)$/.test(name))
  }

  #controller(version: 1 | 2, mount: string, name: string): Controller {
    const chain = chainOf(this.#paths.get(name) ?? '/').map((path) => `${mount}${path}`)
    return { version, folders: chain.filter((folder) => this.#files.exists(folder)) }
  }
}

/** Lines such as `9:cpu,cpuacct:/kubepods/pod1/abc` and `0::/`. */
function readPaths(text: string): Map<string, string> {
  const paths = new Map<string, string>()
  for (const line of text.split('\n').slice(0, 64)) {
    const match = /^\d+:([^:]*):(\/.*)$/.exec(line)
    for (const name of match?.[1]?.split(',') ?? []) paths.set(name, match?.[2] ?? '/')
  }
  return paths
}

/** `/a/b`, `/a` and the root itself, which is the empty path. */
function chainOf(path: string): string[] {
  const words = path.split('/').filter((word) => word !== '')
  // A cgroup outside of our cgroup namespace is shown with `..`: nothing to be found there.
  if (words.includes('..')) return ['']
  const kept = words.slice(0, deepest)
  return [...kept.map((_, index) => `/${kept.slice(0, kept.length - index).join('/')}`), '']
}
