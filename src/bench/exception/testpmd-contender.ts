import type { Plan } from '../../plan/types.js'
import { forwardingArgs, Testpmd } from '../peers/testpmd.js'
import type { Contender } from './contender.js'
import type { TestbedSpec } from './testbed.js'

/**
 * testpmd's io forwarding between the VF and a virtio-user port on the same tap, with the memory, lcore and sizes of `plan`.
 * It forwards, and its cycles count, from `start` to `stop`; what lies in the rings at `start` it throws away.
 */
export function testpmd(name: string, spec: TestbedSpec, plan: Plan, runtimeFolder: string): Contender {
  const args = testpmdArgs(spec, plan)
  return {
    name,
    onlyRtt: false,
    start: async () => {
      const program = await Testpmd.open({ args, runtimeFolder })
      return {
        during: async (drive) => {
          await program.startForwarding()
          await drive()
          const { cycles } = await program.stopForwarding()
          return { lcoreCycles: cycles, threadCycles: 0 }
        },
        stop: () => program.quit(),
      }
    },
  }
}

export function testpmdArgs({ vf, tap, mac }: Pick<TestbedSpec, 'vf' | 'tap' | 'mac'>, plan: Plan): string[] {
  const { descriptors, queueSize } = sizesOf(plan)
  return [
    ...plan.ealArgs,
    '--file-prefix=spillway-peer',
    '-a',
    vf,
    `--vdev=virtio_user0,path=/dev/vhost-net,iface=${tap},queues=1,queue_size=${queueSize},mac=${mac}`,
    '--',
    ...forwardingArgs({ mode: 'io', descriptors, mbufs: plan.memory.mbufs, recordCycles: true }),
  ]
}

function sizesOf({ ports: [port] }: Plan): { descriptors: number; queueSize: number } {
  if (port === undefined) throw new RangeError('a plan has a port')
  return { descriptors: port.rxDescriptors, queueSize: port.exception.queueSize }
}
