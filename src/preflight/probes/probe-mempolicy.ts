import { need } from './attempt.js'
import { mmap, munmap, numaAvailable, syscall } from './ffi.js'
import { memory, mempolicyNumbers } from './kernel-abi.js'
import type { AnswerOf, Refusal } from './messages.js'

const PAGE_BYTES = 4096

/**
 * The three NUMA calls that EAL makes for each hugepage, with arguments that change nothing. A seccomp profile answers
 * EPERM, and EAL gives up unless its libnuma says that there is no NUMA; a kernel without it answers ENOSYS.
 */
export function probeMempolicy(): AnswerOf<'mempolicy'> {
  const numbers = mempolicyNumbers(process.arch)
  if (numbers === null) return { kind: 'mempolicy', refusals: [], numaAvailable: null }
  const flags = memory.MAP_PRIVATE | memory.MAP_ANONYMOUS
  const address = need('mmap', mmap(PAGE_BYTES, memory.PROT_READ | memory.PROT_WRITE, flags, -1))
  const refusals = [
    refused('get_mempolicy', syscall(numbers.get_mempolicy)),
    refused('set_mempolicy', syscall(numbers.set_mempolicy, memory.MPOL_DEFAULT)),
    refused('mbind', syscall(numbers.mbind, address, PAGE_BYTES, memory.MPOL_DEFAULT)),
  ]
  munmap(address, PAGE_BYTES)
  return { kind: 'mempolicy', refusals: refusals.filter((refusal) => refusal !== null), numaAvailable: numaAvailable() }
}

function refused(call: string, { error }: ReturnType<typeof syscall>): Refusal | null {
  return error === null ? null : { call, error }
}
