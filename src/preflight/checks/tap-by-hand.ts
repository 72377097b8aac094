import type { ProcessEnvironment } from '../../environment/types.js'

/** The remedy outside of pods: owner, group and queues of a tap cannot be changed without attaching to it. */
export function makeTapAnew(tap: string, { uid }: ProcessEnvironment, multiQueue: boolean): string {
  const queues = multiQueue ? ' multi_queue' : ''
  return `by hand with NET_ADMIN: ip link del ${tap}; ip tuntap add dev ${tap} mode tap${queues} user ${uid}; ip link set ${tap} up`
}
