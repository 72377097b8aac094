import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { startContainer } from './oci.js'
import { guidePod, type Instance, launcher, Pod, podNetwork } from './pod.js'

const { tapV4, peerV4 } = podNetwork
const answered = { sent: 3, received: 3, duplicates: 0 }

/** docs/privileges.md, "Three ways", each with a real VF behind a real IOMMU. */
describe('as uid 1001, with what the pod grants', () => {
  let pod: Pod
  let instance: Instance | undefined

  beforeAll(async () => {
    pod = await Pod.boot()
  })
  afterAll(async () => {
    await pod?.close()
  })
  afterEach(async () => {
    await instance?.end()
    instance = undefined
  })

  /** Both directions of the whole path, and the privileges of the worker that does it. */
  async function works(running: Instance, capabilities: string): Promise<void> {
    instance = running
    await running.ready()
    expect(await pod.ping('peer', tapV4), 'peer to pod').toEqual(answered)
    expect(await pod.ping('pod', peerV4), 'pod to peer').toEqual(answered)
    const [port] = (await running.status()).ports
    expect(port?.exception.backend).toBe('vhost-net')
    // In a pid namespace of its own the worker has another number: the one that polls is known by its name.
    const pid = (await pod.guest.must(['pgrep', '-f', 'dist/worker/main.js'])).trim()
    const status = await pod.guest.must(['cat', `/proc/${pid}/status`])
    expect(status).toMatch(/^Uid:\s+1001\s+1001\s+1001\s+1001$/m)
    expect(status).toMatch(new RegExp(`^CapEff:\\s+0*${capabilities}$`, 'm'))
    expect(status).toMatch(/^NoNewPrivs:\s+1$/m)
  }

  test('works without any capability where the memlock limit holds what is pinned', async () => {
    const container = { ...guidePod, added: 0n, memlockBytes: 256 * 2 ** 20 }
    await works(await pod.start({ container }), '0')
  })

  test('works through the launcher in an OCI container that adds IPC_LOCK and drops the rest', async () => {
    await works(await startContainer(pod, 'launcher'), '4000')
  })

  test('works in an OCI container that adds nothing, with a large memlock limit', async () => {
    await works(await startContainer(pod, 'memlock', { add: [], memlockBytes: 256 * 2 ** 20 }), '0')
  })

  test('does not start below a shell in an OCI container without privilege escalation, and says why', async () => {
    const command = ['sh', '-c', `exec ${launcher} "$@"`, 'sh']
    instance = await startContainer(pod, 'shell', { command })
    const { exitCode } = await instance.process.ended
    expect(exitCode).toBe(69)
    expect(instance.process.stderr).toContain('capability-below-shell')
    expect(instance.logged('EAL:')).toEqual([])
  })

  test('does not start in an OCI container whose hugepages limit is below what it needs, and says so', async () => {
    const settings = { memory: { pageSize: '2Mi' } }
    instance = await startContainer(pod, 'hugepages', { hugepagesBytes: 16 * 2 ** 20, settings })
    const { exitCode } = await instance.process.ended
    expect(exitCode).toBe(69)
    expect(instance.process.stderr).toMatch(/spillway: ERR_HUGEPAGES: need .*the cgroup allows 8 /)
    expect(instance.logged('EAL:')).toEqual([])
  })
})
