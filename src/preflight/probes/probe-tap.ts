import { closeSync } from 'node:fs'
import { bitNames, need, open, RefusedError, refusalOf, withOpen } from './attempt.js'
import { ioctl, socket } from './ffi.js'
import { netdev, tun, tunFeatures } from './kernel-abi.js'
import type { AnswerOf, RequestOf } from './messages.js'

/**
 * Attaches to the tap with the flags and as many queues as the data plane will take, and lets go of it again; the tap
 * of a CNI is persistent and stays. Not done to a tap that somebody holds, or may hold: on one with several queues the
 * kernel would hand us a share of its packets, and our flags would be everybody's. Not done to one that is missing: with
 * NET_ADMIN that would make it.
 */
export function probeTap({ device, tap, queues, multiQueue }: RequestOf<'tap'>): AnswerOf<'tap'> {
  const answer: Omit<AnswerOf<'tap'>, 'kind' | 'refusal'> = { state: 'unknown', features: [], attached: 0, multiQueue }
  const refusal = refusalOf(() => {
    answer.state = stateOf(tap)
    if (answer.state !== 'free') return
    answer.features = withOpen(device, featuresOf)
    answer.multiQueue = multiQueue ?? isMultiQueue(device, tap)
    answer.attached = attachAll(device, tap, queues, answer.multiQueue)
  })
  return { kind: 'tap', refusal, ...answer }
}

/** A tap that is up runs (has carrier) as long as a program is attached. */
function stateOf(tap: string): AnswerOf<'tap'>['state'] {
  const fd = need('socket', socket(netdev.AF_INET, netdev.SOCK_DGRAM | netdev.SOCK_CLOEXEC, 0))
  try {
    const request = ifreq(tap)
    need('SIOCGIFFLAGS', ioctl(fd, netdev.SIOCGIFFLAGS, request))
    const flags = request.readUInt16LE(netdev.IFREQ_UNION)
    if ((flags & netdev.IFF_UP) === 0) return 'down'
    return (flags & netdev.IFF_RUNNING) === 0 ? 'free' : 'held'
  } finally {
    closeSync(fd)
  }
}

function featuresOf(fd: number): string[] {
  const flags = Buffer.alloc(4)
  need('TUNGETFEATURES', ioctl(fd, tun.TUNGETFEATURES, flags))
  return bitNames(tunFeatures, (bit) => (flags.readUInt32LE() & bit) !== 0)
}

/** As virtio-user finds out: with several queues first, and a tap made for one refuses that with EINVAL. */
function isMultiQueue(device: string, tap: string): boolean {
  return withOpen(device, (fd) => ioctl(fd, tun.TUNSETIFF, attachRequest(tap, true)).error !== 'EINVAL')
}

function attachAll(device: string, tap: string, queues: number, multiQueue: boolean): number {
  const fds: number[] = []
  try {
    for (let queue = 0; queue < queues; queue++) {
      fds.push(open(device))
      need('TUNSETIFF', ioctl(fds[queue] ?? -1, tun.TUNSETIFF, attachRequest(tap, multiQueue)))
    }
    return fds.length
  } catch (error) {
    // Which queue it was is part of the story: the first one tells of rights, a later one of the tap's kind.
    if (error instanceof RefusedError && fds.length > 1)
      throw new RefusedError(`${error.refusal.call} of queue ${fds.length}`, error.refusal.error)
    throw error
  } finally {
    for (const fd of fds) closeSync(fd)
  }
}

function attachRequest(tap: string, multiQueue: boolean): Buffer {
  const request = ifreq(tap)
  const flags = tun.IFF_TAP | tun.IFF_NO_PI | tun.IFF_VNET_HDR | (multiQueue ? tun.IFF_MULTI_QUEUE : 0)
  request.writeUInt16LE(flags, netdev.IFREQ_UNION)
  return request
}

function ifreq(name: string): Buffer {
  const request = Buffer.alloc(netdev.IFREQ_BYTES)
  request.write(name, 'latin1')
  return request
}
