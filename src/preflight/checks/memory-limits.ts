import { findingMaker } from '../finding-maker.js'
import type { Check, CheckInput, CodeDeclarations, Finding } from '../types.js'
import { pageMib } from './page-size.js'
import { wordsFor } from './surroundings.js'

const codes = {
  'memory-limit': {
    levels: ['warning'],
    meaning:
      'without hugepages the data plane lives in ordinary memory, and the container limit is too small for it: OOM kill',
    remedyIn: 'pod spec (resources.limits.memory)',
  },
  'open-files-limit': {
    levels: ['error'],
    meaning: 'EAL keeps a descriptor per hugepage, and RLIMIT_NOFILE is smaller than the number of pages',
    remedyIn: 'node (default_ulimits nofile), or larger pages',
  },
  'memory-limits-ok': { levels: ['ok'], meaning: 'memory and descriptor limits fit the plan', remedyIn: '-' },
} as const satisfies CodeDeclarations
const finding = findingMaker(codes)

/** Two Nodes, supervisor and worker, as they were measured. */
const processesMib = 160
/** What the two processes open besides pages. */
const otherDescriptors = 128

export const memoryLimitsCheck = {
  name: 'memory-limits',
  title: 'Do the memory and descriptor limits fit?',
  codes,
  run(input) {
    const found = [...memoryLimit(input), ...openFiles(input)]
    if (found.length > 0) return found
    const { memoryLimitBytes, process } = input.environment
    const memory = memoryLimitBytes === null ? 'no memory limit' : `memory limit ${toMib(memoryLimitBytes)} MiB`
    return [
      finding('memory-limits-ok', {
        subject: 'limits',
        needed: 'memory for two Node processes, a descriptor per hugepage',
        found: `${memory}, ${process.openFiles ?? 'unlimited'} descriptors`,
      }),
    ]
  },
} satisfies Check

function memoryLimit({ environment, plan }: CheckInput): Finding[] {
  const { memoryLimitBytes } = environment
  const { pageSize, mib } = plan.memory
  // Hugepages are counted by the hugetlb cgroup, not by this one.
  const neededMib = processesMib + (pageSize === 'none' ? mib : 0)
  if (memoryLimitBytes === null || toMib(memoryLimitBytes) >= neededMib) return []
  const enoughMib = Math.ceil(neededMib / 64) * 64
  return [
    finding('memory-limit', {
      subject: 'memory limit',
      needed: `${neededMib} MiB: ${processesMib} for two Node processes${pageSize === 'none' ? ` and ${mib} for the data plane, which has no hugepages` : ''}`,
      found: `${toMib(memoryLimitBytes)} MiB`,
      cause: 'the limit is smaller than that, and the kernel ends a process of ours when it is reached',
      remedy: wordsFor(environment, {
        pod: `pod spec: resources.limits.memory: ${enoughMib}Mi`,
        container: `container: --memory ${enoughMib}m`,
        host: `systemd: MemoryMax=${enoughMib}M`,
      }),
    }),
  ]
}

function openFiles({ environment, plan }: CheckInput): Finding[] {
  const { openFiles: limit } = environment.process
  const { pageSize, mib } = plan.memory
  if (limit === null || pageSize === 'none') return []
  const pages = Math.ceil(mib / pageMib(pageSize))
  if (pages + otherDescriptors <= limit) return []
  return [
    finding('open-files-limit', {
      subject: 'RLIMIT_NOFILE',
      needed: `${pages + otherDescriptors}: one descriptor for each of ${pages} pages of ${pageSize}, ${otherDescriptors} others`,
      found: `${limit}`,
      cause: 'the runtime sets a small limit',
      remedy:
        'node: default_ulimits = ["nofile=65536:65536"] in a CRI-O drop-in; or pod spec: hugepages-1Gi; or Spillway: a smaller memory.mib',
    }),
  ]
}

function toMib(bytes: number): number {
  return Math.floor(bytes / 1024 / 1024)
}
