import { describe, expect, it } from 'vitest'
import { discoverOn } from './made-host.js'

const folder = 'etc/podnetinfo'
const podOf = (annotations: string, files: Record<string, string> = {}) =>
  discoverOn({ files: { [`${folder}/annotations`]: annotations, ...files } }).pod

const line = (key: string, value: string) => `${key}=${JSON.stringify(value)}\n`

describe('the pod', () => {
  it('has no status before Multus has written it', () => {
    expect(podOf('kubernetes.io/config.seen="2026"\n')).toMatchObject({ podnetinfo: true, status: null, problems: [] })
  })

  it.each(['network-status', 'networks-status'])('has the status in %s', (key) => {
    const pod = podOf(line(`k8s.v1.cni.cncf.io/${key}`, '[{"name":"cnf/tap","interface":"ext0"}]'))
    expect(pod.status).toMatchObject([{ network: 'cnf/tap', netdev: 'ext0' }])
  })

  it('tells annotations that cannot be read, and reads the others', () => {
    const pod = podOf(
      `broken\n${line('k8s.v1.cni.cncf.io/networks', '[{]')}${line('k8s.v1.cni.cncf.io/network-status', 'null')}` +
        line('cpu-quota.crio.io', 'disable'),
    )
    expect(pod).toMatchObject({ requested: null, status: null, runtimeAnnotations: { 'cpu-quota.crio.io': 'disable' } })
    expect(pod.problems).toEqual([
      'annotations: line 1: expected key="value"',
      'k8s.v1.cni.cncf.io/networks: expected a list of networks',
      'k8s.v1.cni.cncf.io/network-status: expected a JSON list of networks',
    ])
  })

  it('has the annotations of the runtime, of one container too, and nobody else’s', () => {
    const pod = podOf(
      line('cpu-shared.crio.io/spillway', 'enable') +
        line('performance.openshift.io/exec-cpu-affinity', 'disable') +
        line('example.com/secret', 'x') +
        line('crio.io.example.com', 'x'),
    )
    expect(pod.runtimeAnnotations).toEqual({
      'cpu-shared.crio.io/spillway': 'enable',
      'performance.openshift.io/exec-cpu-affinity': 'disable',
    })
  })

  it('has hugepages by container, in MiB', () => {
    const pod = podOf('', {
      [`${folder}/hugepages_1G_limit_dpdk`]: '4096',
      [`${folder}/hugepages_2M_request_side-car`]: '64\n',
      [`${folder}/hugepages_request_old`]: '1024',
      [`${folder}/hugepages_1G_limit_bad`]: 'much',
    })
    expect(pod.hugepages).toEqual([
      { container: 'dpdk', size: '1Gi', kind: 'limit', mib: 4096 },
      { container: 'side-car', size: '2Mi', kind: 'request', mib: 64 },
      { container: 'old', size: null, kind: 'request', mib: 1024 },
    ])
  })

  it('has the container’s name from the injector, and from nobody else', () => {
    const env = { CONTAINER_NAME: 'spillway' }
    expect(discoverOn({ env, files: { [`${folder}/annotations`]: '' } }).pod.containerName).toBe('spillway')
    expect(discoverOn({ env }).pod.containerName).toBeNull()
  })

  it('is looked for where the caller says', () => {
    const files = { 'pod/annotations': line('k8s.v1.cni.cncf.io/networks', 'tap@ext0') }
    expect(discoverOn({ files }, { podInfoFolder: '/pod/' }).pod.requested).toMatchObject([{ network: 'tap' }])
    expect(discoverOn({ files }).pod).toMatchObject({ podnetinfo: false, requested: null })
  })

  it.each([
    [{ env: { KUBERNETES_SERVICE_HOST: '10.0.0.1' } }, true],
    [{ files: { 'var/run/secrets/kubernetes.io/serviceaccount/namespace': 'x' } }, true],
    [{}, false],
  ])('is in Kubernetes by %j: %s', (host, kubernetes) => {
    expect(discoverOn(host).pod.kubernetes).toBe(kubernetes)
  })
})
