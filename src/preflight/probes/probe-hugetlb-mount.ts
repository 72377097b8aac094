import { type StatsFs, statfsSync } from 'node:fs'
import { RefusedError, refusalOf } from './attempt.js'
import { memory } from './kernel-abi.js'
import type { AnswerOf, RequestOf } from './messages.js'

/** Asks the filesystem at the mount point what it is: another volume may have been mounted over it. */
export function probeHugetlbMount({ path }: RequestOf<'hugetlb-mount'>): AnswerOf<'hugetlb-mount'> {
  const answer = { isHugetlbfs: false, pageBytes: 0, freePages: 0 }
  const refusal = refusalOf(() => {
    const { type, bsize, bfree } = statfs(path)
    answer.isHugetlbfs = type === memory.HUGETLBFS_MAGIC
    answer.pageBytes = bsize
    answer.freePages = bfree
  })
  return { kind: 'hugetlb-mount', refusal, ...answer }
}

function statfs(path: string): StatsFs {
  try {
    return statfsSync(path)
  } catch (error) {
    throw new RefusedError('statfs', (error as NodeJS.ErrnoException).code ?? String(error))
  }
}
