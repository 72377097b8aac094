import type { HostFiles } from './host-files.js'
import type { KernelEnvironment } from './types.js'

type Runtime = KernelEnvironment['containerRuntime']

/**
 * Guesses by what runtimes leave inside: nothing depends on it but the wording of remedies.
 * Each pattern is one that the runtime's own paths have, in mounts and in the cgroup.
 */
export function detectContainerRuntime(files: HostFiles, env: Readonly<Record<string, string | undefined>>): Runtime {
  if (isKata(files)) return 'kata'
  const traces = `${files.text('proc/self/mountinfo') ?? ''}\n${files.text('proc/1/cgroup') ?? ''}`
  if (/\/crio[-/]|crio-[0-9a-f]{64}/.test(traces)) return 'cri-o'
  if (/cri-containerd|io\.containerd|\/containerd\//.test(traces)) return 'containerd'
  if (files.exists('.dockerenv') || /\/docker\/(?:containers\/)?[0-9a-f]{64}/.test(traces)) return 'docker'
  const containerEnv = files.text('run/.containerenv')
  if (env.container === 'podman' || /engine="podman/.test(containerEnv ?? '') || /libpod/.test(traces)) return 'podman'
  // CRI-O leaves an empty one.
  if (containerEnv !== undefined) return 'cri-o'
  if (/\/kubepods/.test(traces) || env.container !== undefined || env.KUBERNETES_SERVICE_HOST !== undefined) {
    return 'unknown'
  }
  return null
}

/** The guest kernel of Kata is told so; its agent shares files under this name. */
function isKata(files: HostFiles): boolean {
  return (
    /\bagent\.log=|systemd\.unit=kata-containers\.target/.test(files.text('proc/cmdline') ?? '') ||
    /\bkataShared\b/.test(files.text('proc/self/mounts') ?? '')
  )
}
