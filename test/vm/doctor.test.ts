import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { podEnvironment } from '../../scripts/vm/pod.mjs'
import type { Finding, Level } from '../../src/preflight/types.js'
import { eventually } from '../eventually.js'
import {
  allHugepages,
  type Cause,
  devices,
  memory,
  noHugepages,
  onHugepages,
  onNode,
  privileges,
  remakeTap,
  type Step,
  taps,
} from './doctor-causes.js'
import { type Instance, Pod, podNetwork, type StartSpec } from './pod.js'

const { tap, tapV4, peerV4, vfMac, podV4 } = podNetwork
/** Emulated, a Spillway that looks and asks takes some seconds, and two beside each other longer. */
const deadlineMs = 110_000
/** The machine of a guest is its pod's alone, and the doctor cannot know. */
const sharedCpus = ['cpus-shared']
const withinPod = { KUBERNETES_SERVICE_HOST: '172.30.0.1' }

let pod: Pod
const mending: Step[] = []
let instance: Instance | undefined

beforeAll(async () => {
  pod = await Pod.boot()
  await pod.guest.write('/etc/podnetinfo/annotations', annotations(pod.node.vfs[0]?.pciAddress ?? ''))
})
afterAll(async () => {
  await pod?.close()
})
afterEach(async () => {
  await instance?.end()
  instance = undefined
  for (const mend of mending.splice(0)) await mend(pod)
})

/** What Multus writes about the guide's pod, as the downward API hands it in. */
function annotations(pciAddress: string): string {
  const status = [
    { name: 'ovn-kubernetes', interface: 'eth0', ips: [podV4], default: true, dns: {} },
    {
      ...{ name: 'guide/dpdk-net', interface: 'net1', mac: vfMac, mtu: 1500, dns: {} },
      'device-info': { type: 'pci', version: '1.1.0', pci: { 'pci-address': pciAddress } },
    },
    { name: 'guide/tap-one', interface: tap, ips: [tapV4], mac: vfMac, dns: {} },
  ]
  const value = JSON.stringify(JSON.stringify(status))
  return `k8s.v1.cni.cncf.io/network-status=${value}\n`
}

async function spoil(step: Step | undefined, mend: Step | undefined): Promise<void> {
  if (mend) mending.push(mend)
  await step?.(pod)
}

async function spillway(spec: StartSpec, ...words: string[]) {
  const env = { ...podEnvironment(pod.node), ...withinPod, ...spec.env }
  return await pod.guest.run(pod.entrypoint(spec, ...words), { env, deadlineMs })
}

/** @param probes  what only a look at the pod tells is found sooner without */
async function doctor(spec: StartSpec = {}, probes = true) {
  const { exitCode, stdout, stderr } = await spillway(spec, 'doctor', '--json', ...(probes ? [] : ['--no-probes']))
  if (stdout === '') throw new Error(`the doctor said nothing: ${stderr}`)
  const { findings } = JSON.parse(stdout) as { findings: Finding[] }
  const codes = (level: Level) => findings.filter((finding) => finding.level === level).map(({ code }) => code)
  return { exitCode, findings, codes }
}

function textOf(code: string, findings: readonly Finding[]): string {
  return findings
    .filter((finding) => finding.code === code)
    .map(({ subject, needed, found, cause, remedy }) => [subject, needed, found, cause, remedy].join(' '))
    .join('\n')
}

async function ready(spec: StartSpec = {}): Promise<Instance> {
  instance = await pod.start({ ...spec, env: { ...withinPod, ...spec.env } })
  await instance.ready()
  return instance
}

async function ping(): Promise<{ fromPeer: number; fromPod: number }> {
  const { received: fromPeer } = await pod.ping('peer', tapV4)
  const { received: fromPod } = await pod.ping('pod', peerV4)
  return { fromPeer, fromPod }
}
const allAnswered = { fromPeer: 3, fromPod: 3 }

test('finds nothing wrong with the guide’s pod, and has tried everything', async () => {
  await pod.configure()
  const { exitCode, codes } = await doctor()
  expect(codes('error')).toEqual([])
  expect(codes('warning')).toEqual(sharedCpus)
  expect(codes('ok').filter((code) => code.startsWith('probe-'))).toEqual([
    'probe-mempolicy-ok',
    'probe-hugepage-ok',
    'probe-mlock-ok',
    'probe-vfio-ok',
    'probe-vfio-ok',
    'probe-vhost-net-ok',
    'probe-tap-ok',
  ])
  expect(exitCode).toBe(0)
})

/** Doctor and run look beside each other: what one of them holds for a moment is no error for the other. */
async function expectRefusal(cause: Cause): Promise<void> {
  await spoil(cause.spoil, cause.mend)
  await pod.configure(cause.settings)
  const probes = cause.code.startsWith('probe-')
  const [diagnosis, run] = await Promise.all([doctor(cause, probes), spillway(cause, 'run')])
  expect(diagnosis.codes('error')).toEqual([cause.code])
  expect(textOf(cause.code, diagnosis.findings)).toMatch(cause.says)
  expect(diagnosis.exitCode).toBe(69)
  expect(run.stderr).toContain(`spillway: ${cause.refusal ?? `ERR_PREFLIGHT: ${cause.code}`}: `)
  expect(run.stderr).toMatch(/^ {2}hint: /m)
  expect(run.stderr).not.toMatch(/EAL:|worker spawned/)
  expect(run.exitCode).toBe(69)
}

const title = 'names %s, and run refuses before EAL starts'

describe.each([
  ['devices', devices],
  ['taps', taps],
  ['privileges', privileges],
])('of %s', (_, causes) => {
  test.each(causes.map((cause) => [cause.what, cause] as const))(title, (_, cause) => expectRefusal(cause))
})

describe('of memory', () => {
  let causes: readonly Cause[] = []
  beforeAll(async () => {
    await pod.configure(onHugepages)
    const plan = JSON.parse((await spillway({}, 'plan', '--format', 'json')).stdout) as { memory: { mib: number } }
    causes = memory(plan.memory.mib / 2)
  })

  test.each(memory(0).map(({ what }, index) => [what, index] as const))(title, async (_, index) => {
    await expectRefusal(causes[index] as Cause)
  })
})

describe('what only warns', () => {
  const warnings: readonly Cause[] = [
    {
      what: 'a tun of mode 0600 where nobody asked for a tap',
      code: 'tun-refused',
      says: /EACCES.*chmod 0666/,
      spoil: onNode('chmod 600 /dev/net/tun'),
      mend: onNode('chmod 666 /dev/net/tun'),
    },
    {
      what: 'an MTU of the tap that is not that of the VF',
      code: 'mtu-mismatch',
      says: /1500 bytes, as network-status.*1400 bytes.*"mtu": 1500/,
      spoil: onNode(`ip -n pod link set ${tap} mtu 1400`),
      mend: onNode(`ip -n pod link set ${tap} mtu 1500`),
    },
  ]

  test.each(warnings.map((cause) => [cause.what, cause] as const))('is told as such: %s', async (_, cause) => {
    const { code, says } = cause
    await spoil(cause.spoil, cause.mend)
    await pod.configure()
    const { exitCode, codes, findings } = await doctor()
    expect(codes('error')).toEqual([])
    expect(codes('warning')).toEqual([...sharedCpus, code])
    expect(textOf(code, findings)).toMatch(says)
    expect(exitCode).toBe(0)
  })

  test('a vhost-net that root owns: the tap itself serves', async () => {
    await spoil(onNode('chown root:root /dev/vhost-net'), onNode('chown 1001:1001 /dev/vhost-net'))
    const running = await ready()
    const told = running.logged('check warns', 'vhost-net-mode').join()
    expect(told).toMatch(/slower.*device_ownership_from_security_context/)
    expect((await running.status()).ports[0]?.exception.backend).toBe('tap')
    expect(await ping()).toEqual(allAnswered)
  })

  test('no hugepages: ordinary pages serve, and the VF reaches them', async () => {
    await spoil(noHugepages, allHugepages)
    const running = await ready()
    expect(running.logged('check warns', 'hugepages-none').join()).toMatch(/ordinary pages serve/)
    expect(await ping()).toEqual(allAnswered)
  })

  test('a tap with a MAC of its own: it gets the VF’s, and answers by it', async () => {
    const strange = '02:00:00:00:00:99'
    await spoil(onNode(`ip -n pod link set ${tap} address ${strange}`), remakeTap)
    const running = await ready()
    const told = running.logged('check warns', 'tap-mac-drift').join()
    expect(told).toMatch(new RegExp(`${vfMac}.*${strange}`))
    expect(await ping()).toEqual(allAnswered)
    expect(await pod.run('pod', ['cat', `/sys/class/net/${tap}/address`])).toBe(`${vfMac}\n`)
  })

  test('a tap that is down: it is not ready and says why, until somebody sets it up', async () => {
    await spoil(onNode(`ip -n pod link set ${tap} down`), remakeTap)
    instance = await pod.start({ env: withinPod })
    const running = instance
    await eventually('it runs', async () => (await running.status()).state === 'running')
    expect(running.logged('check warns', 'tap-down').join()).toContain(`ip link set ${tap} up`)
    const { status, body } = await running.readiness()
    expect({ status, body }).toEqual({ status: 503, body: expect.stringContaining(`tap ${tap} is down`) })
    await pod.ip('pod', `link set ${tap} up`)
    await running.ready()
    expect((await ping()).fromPeer).toBe(3)
  })
})

describe('what nobody sees before the start', () => {
  test('a PF that is down: the address that DPDK made up for its VF tells, once it runs', async () => {
    const { pf } = pod.node
    await spoil(onNode(`ip link set ${pf} down`), onNode(`ip link set ${pf} up`))
    const running = await ready()
    const [told] = running.logged('"code":"mac-mismatch"')
    expect(told).toMatch(new RegExp(`"needed":"${vfMac}, as network guide/dpdk-net has it".*PF up`))
  })
})
