import type { Plan } from '../../plan/types.js'
import type { WorkerProgram } from '../../supervisor/worker-process.js'
import type { Machine } from '../peers/machine.js'
import { burst, mbufCache, planOf } from '../peers/topologies.js'
import type { Contender } from './contender.js'
import { spillway } from './spillway-contender.js'
import type { TestbedSpec } from './testbed.js'
import { testpmd } from './testpmd-contender.js'

/** Of the VF's queues and of virtio's: testpmd has one setting for both. */
const descriptors = 1024

/** The programs in the order of the table; the last is the one that the others are compared with. */
export function makeContenders(
  spec: TestbedSpec,
  machine: Machine,
  worker: WorkerProgram,
  folder: string,
): Contender[] {
  const program = asPodUser(worker, spec.uid)
  const planWith = (backend: 'vhost-net' | 'tap', idle: 'poll' | 'ramp'): Plan =>
    planOf(machine, folder, podSettings(spec, machine, backend, idle))
  const vhostNet = planWith('vhost-net', 'poll')
  return [
    spillway('vhost-net', program, vhostNet),
    spillway('tap', program, planWith('tap', 'poll')),
    spillway('vhost-net, idle: ramp', program, planWith('vhost-net', 'ramp'), true),
    testpmd('testpmd', spec, vhostNet, folder),
  ]
}

/** One VF and its tap, on the CPU that polls. */
export function podSettings(
  { vf, tap }: Pick<TestbedSpec, 'vf' | 'tap'>,
  { pollingCpu, pageSize }: Pick<Machine, 'pollingCpu' | 'pageSize'>,
  backend: string,
  idle: string,
  offloads: Readonly<Record<string, boolean>> = {},
): Readonly<Record<string, unknown>> {
  const queues = { queues: 1, rxDescriptors: descriptors, txDescriptors: descriptors }
  const exception = { backend, tap, queues: 1, queueSize: descriptors }
  return {
    lcores: String(pollingCpu),
    idle,
    burst,
    memory: { pageSize, mbufCache },
    ports: [{ name: 'vf0', device: vf, ...queues, offloads, exception }],
  }
}

/** The worker as it runs in the pod: not as root, with IPC_LOCK alone. */
export function asPodUser(program: WorkerProgram, uid: number): WorkerProgram {
  const user = [`--reuid=${uid}`, `--regid=${uid}`, '--clear-groups']
  const capabilities = ['--inh-caps=-all,+ipc_lock', '--ambient-caps=+ipc_lock', '--bounding-set=-all,+ipc_lock']
  const args = [...user, ...capabilities, '--no-new-privs', '--', program.command, ...program.args]
  return { ...program, command: 'setpriv', args }
}
