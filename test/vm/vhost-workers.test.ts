import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { eventually } from '../eventually.js'
import { type Instance, Pod, podNetwork } from './pod.js'

/** Two queues, so that a mistaken order of the workers would show. */
const twoQueues = { ports: [{ exception: { queues: 2 } }] }
const cpuSeconds = (queue: number) => `spillway_vhost_worker_cpu_seconds_total{port="vf0",queue="${queue}"}`

/** From Linux 6.4 on vhost workers are threads of the process that owns the vhost device: here, the worker. */
describe('vhost workers on a kernel of 6.4 or newer', () => {
  let pod: Pod
  let instance: Instance | undefined

  beforeAll(async () => {
    pod = await Pod.boot({ kernel: 'backports' })
  })
  afterAll(async () => {
    await pod?.close()
  })
  afterEach(async () => {
    await instance?.end()
    instance = undefined
  })

  /** One that does not get ready is to be ended as well. */
  async function start(settings: object): Promise<Instance> {
    instance = await pod.start({ settings: { ...settings } })
    await instance.ready()
    return instance
  }

  /** Thread ids, names and CPUs as the kernel tells them. */
  async function threads(of: Instance): Promise<{ tid: number; name: string; cpus: string }[]> {
    const { worker } = await of.status()
    const text = await pod.guest.script(`
      for task in /proc/${worker.pid}/task/*; do
        awk -F'\\t' '/^Name:/ {name=$2} /^Pid:/ {tid=$2} /^Cpus_allowed_list:/ {print tid, name, $2}' $task/status
      done`)
    return text
      .trim()
      .split('\n')
      .map((line) => line.split(' '))
      .map(([tid, name = '', cpus = '']) => ({ tid: Number(tid), name, cpus }))
  }

  test('are found, named after port and queue, and kept on the housekeeping CPUs', async () => {
    const running = await start(twoQueues)
    const [port] = (await running.status()).ports
    expect(port?.exception.vhostWorkers).toMatchObject([
      { queue: 0, name: 'vhost-vf0-0', cpus: '0,2', placeError: null },
      { queue: 1, name: 'vhost-vf0-1', cpus: '0,2', placeError: null },
    ])
    const vhost = (await threads(running)).filter(({ name }) => name.startsWith('vhost-'))
    expect(vhost).toEqual(port?.exception.vhostWorkers.map(({ tid, name, cpus }) => ({ tid, name, cpus })))
    const metrics = await running.metrics()
    expect(metrics.get('spillway_vhost_worker_info{port="vf0",queue="1",name="vhost-vf0-1",cpus="0,2"}')).toBe(1)
  })

  test('run on the CPUs of vhostCpus, and their CPU time grows with what they carry', async () => {
    const running = await start({ vhostCpus: '2' })
    const [port] = (await running.status()).ports
    expect(port?.exception.vhostWorkers).toMatchObject([{ queue: 0, name: 'vhost-vf0-0', cpus: '2' }])
    expect((await threads(running)).find(({ name }) => name === 'vhost-vf0-0')?.cpus).toBe('2')
    const before = (await running.metrics()).get(cpuSeconds(0)) ?? Number.NaN
    await eventually('answers', async () => (await pod.ping('peer', podNetwork.tapV4, 1)).received === 1)
    const after = await eventually('CPU time in the metrics', async () => {
      const now = (await running.metrics()).get(cpuSeconds(0)) ?? Number.NaN
      return now > before ? now : undefined
    })
    // It may not claim more than the thread has, by the kernel's own account.
    const worker = (await running.status()).ports[0]?.exception.vhostWorkers[0]
    const pid = (await running.status()).worker.pid
    const schedstat = await pod.guest.must(['cat', `/proc/${pid}/task/${worker?.tid}/schedstat`])
    expect(Number(schedstat.split(' ')[0]) / 1e9).toBeGreaterThanOrEqual(after)
  })

  test('are found anew, on the same CPUs, when the worker has died and come back', async () => {
    const running = await start({ vhostCpus: '2' })
    const { pid } = (await running.status()).worker
    const before = (await running.status()).ports[0]?.exception.vhostWorkers[0]?.tid
    await pod.guest.must(['kill', '-KILL', String(pid)])
    const after = await eventually(
      'another worker',
      async () => {
        const status = await running.status()
        return status.worker.up && status.worker.pid !== pid ? status : undefined
      },
      120_000,
    )
    const [worker] = after.ports[0]?.exception.vhostWorkers ?? []
    expect(worker).toMatchObject({ name: 'vhost-vf0-0', cpus: '2' })
    expect(worker?.tid).not.toBe(before)
  })
})
