import { closeSync } from 'node:fs'
import { need, refusalOf } from './attempt.js'
import { ftruncate, memfdCreate, mmap, munmap, touch } from './ffi.js'
import { memory } from './kernel-abi.js'
import type { AnswerOf, RequestOf } from './messages.js'

/**
 * Takes one hugepage the way EAL does with --in-memory, and writes to it: the hugetlb cgroup lets a page be mapped
 * and refuses it at the first touch, with a SIGBUS that ends this process. The runner tells that story.
 */
export function probeHugepage({ pageBytes }: RequestOf<'hugepage'>): AnswerOf<'hugepage'> {
  const refusal = refusalOf(() => {
    const size = Math.log2(pageBytes) << memory.HUGE_SHIFT
    const flags = (memory.MFD_CLOEXEC | memory.MFD_HUGETLB | size) >>> 0
    const fd = need('memfd_create', memfdCreate('spillway-probe', flags))
    try {
      need('ftruncate', ftruncate(fd, pageBytes))
      const address = need('mmap', mmap(pageBytes, memory.PROT_READ | memory.PROT_WRITE, memory.MAP_SHARED, fd))
      touch(address)
      need('munmap', munmap(address, pageBytes))
    } finally {
      closeSync(fd)
    }
  })
  return { kind: 'hugepage', refusal }
}
