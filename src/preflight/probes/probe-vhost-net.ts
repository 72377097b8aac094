import { bitNames, need, refusalOf, withOpen } from './attempt.js'
import { ioctl } from './ffi.js'
import { vhost, vhostFeatures } from './kernel-abi.js'
import type { AnswerOf, RequestOf } from './messages.js'

/** Opens the device and asks for its features, the first thing that virtio-user does with it. */
export function probeVhostNet({ path }: RequestOf<'vhost-net'>): AnswerOf<'vhost-net'> {
  let features: string[] = []
  const refusal = refusalOf(() =>
    withOpen(path, (fd) => {
      const bits = Buffer.alloc(8)
      need('VHOST_GET_FEATURES', ioctl(fd, vhost.VHOST_GET_FEATURES, bits))
      const value = bits.readBigUInt64LE()
      features = bitNames(vhostFeatures, (bit) => ((value >> BigInt(bit)) & 1n) === 1n)
    }),
  )
  return { kind: 'vhost-net', refusal, features }
}
