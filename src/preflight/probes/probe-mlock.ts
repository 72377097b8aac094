import { need, refusalOf } from './attempt.js'
import { mlock2, mmap, munmap } from './ffi.js'
import { memory } from './kernel-abi.js'
import type { AnswerOf, RequestOf } from './messages.js'

/**
 * Locks as much memory as VFIO will pin. The kernel holds both against the same limit with the same exception for
 * IPC_LOCK. With MLOCK_ONFAULT it does so before there is any page, so that nothing is really taken.
 */
export function probeMlock({ bytes }: RequestOf<'mlock'>): AnswerOf<'mlock'> {
  const flags = memory.MAP_PRIVATE | memory.MAP_ANONYMOUS | memory.MAP_NORESERVE
  const refusal = refusalOf(() => {
    const address = need('mmap', mmap(bytes, memory.PROT_READ | memory.PROT_WRITE, flags, -1))
    try {
      need('mlock2', mlock2(address, bytes, memory.MLOCK_ONFAULT))
    } finally {
      munmap(address, bytes)
    }
  })
  return { kind: 'mlock', refusal }
}
