import type { HugepageSize } from '../config/terms.js'
import { readDownwardMap } from './downward-api.js'
import type { HostFiles } from './host-files.js'
import { readNetworkRequests, readNetworkStatus } from './networks.js'
import type { PodEnvironment, PodHugepages } from './types.js'

/** Where the network resources injector mounts the downward API. */
export const defaultPodInfoFolder = 'etc/podnetinfo'

/** Multus; the plural is what versions before 4.0 wrote. */
const requestKey = 'k8s.v1.cni.cncf.io/networks'
export const statusKeys: readonly string[] = ['k8s.v1.cni.cncf.io/network-status', 'k8s.v1.cni.cncf.io/networks-status']

/** What Kubernetes says of the pod, as far as the pod can see it. */
export function discoverPod(
  files: HostFiles,
  env: Readonly<Record<string, string | undefined>>,
  folder: string,
): PodEnvironment {
  const { values, problems } = readDownwardMap(files.text(`${folder}/annotations`) ?? '')
  const request = values.get(requestKey)
  const statusKey = statusKeys.find((key) => values.has(key))
  const requested = request === undefined ? null : (readNetworkRequests(request) ?? 'malformed')
  const status = statusKey === undefined ? null : (readNetworkStatus(values.get(statusKey) ?? '') ?? 'malformed')
  const podnetinfo = files.exists(folder)
  return {
    kubernetes: isKubernetes(files, env),
    // Elsewhere the name may mean anything: the injector sets it where it mounts that folder.
    containerName: (podnetinfo && env.CONTAINER_NAME) || null,
    podnetinfo,
    requested: requested === 'malformed' ? null : requested,
    status: status === 'malformed' ? null : status,
    runtimeAnnotations: pickRuntimeAnnotations(values),
    problems: [
      ...problems.map((problem) => `annotations: ${problem}`),
      ...(requested === 'malformed' ? [`${requestKey}: expected a list of networks`] : []),
      ...(status === 'malformed' ? [`${statusKey}: expected a JSON list of networks`] : []),
    ],
    hugepages: readPodHugepages(files, folder),
  }
}

function isKubernetes(files: HostFiles, env: Readonly<Record<string, string | undefined>>): boolean {
  return (
    env.KUBERNETES_SERVICE_HOST !== undefined ||
    ['run', 'var/run'].some((run) => files.exists(`${run}/secrets/kubernetes.io/serviceaccount`))
  )
}

/** Those that change how CPUs are given: CRI-O's hooks and the node tuning operator's. */
function pickRuntimeAnnotations(values: ReadonlyMap<string, string>): Record<string, string> {
  const name = /^(?:[a-z0-9-]+\.crio\.io|performance\.openshift\.io|[a-z0-9-]+\.cri-o\.io)(?:$|\/)/
  return Object.fromEntries(
    [...values].filter(([key]) => name.test(key)).map(([key, value]) => [key, value.slice(0, 256)]),
  )
}

/** The injector's file names leave out the `i` of 1Gi. */
const sizes: Readonly<Record<string, HugepageSize>> = { '2M': '2Mi', '512M': '512Mi', '1G': '1Gi' }

/** `hugepages_1G_request_testpmd`, in MiB. */
function readPodHugepages(files: HostFiles, folder: string): PodHugepages[] {
  return files.names(folder).flatMap((name) => {
    const match = /^hugepages_(?:([0-9]{1,4}[KMG])_)?(request|limit)_([\w.-]{1,63})$/.exec(name)
    const mib = match === null ? undefined : files.number(`${folder}/${name}`)
    if (match === null || mib === undefined || mib < 0) return []
    const kind = match[2] === 'limit' ? 'limit' : 'request'
    return [{ container: match[3] ?? '', size: sizes[match[1] ?? ''] ?? null, kind, mib }]
  })
}
