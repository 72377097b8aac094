import { readFileSync, writeFileSync } from 'node:fs'
import { discoverEnvironment } from '../../environment/discover.js'
import type { Environment } from '../../environment/types.js'
import { SpillwayError } from '../../errors.js'
import { readAllowedCpus } from '../../lab/lab-config.js'

/** What both programs are run on. */
export interface Machine {
  readonly environment: Environment
  readonly allowedCpus: readonly number[]
  /** The last CPU this process may use; all else runs on the others. */
  readonly pollingCpu: number
  readonly pageSize: '2Mi' | 'none'
  /** Gives back the hugepages that were reserved for the benchmark. */
  release(): void
}

const hugepagesFile = '/proc/sys/vm/nr_hugepages'
/** 256 MiB: a mempool, queues and rings of either program, and what the other left a moment ago. */
const hugepages = 128

/**
 * Looks at the machine before the benchmark narrows itself to the housekeeping CPUs. On hugepages, as in production, when
 * they are there or this user may reserve them: on 4 KiB pages what is measured is mostly how often each program
 * looks at an mbuf, at a TLB miss a time.
 */
export function surveyMachine(): Machine {
  const allowedCpus = readAllowedCpus()
  const pollingCpu = allowedCpus.at(-1)
  if (pollingCpu === undefined || allowedCpus.length < 2)
    throw new SpillwayError(
      'ERR_CPUS',
      `need two CPUs, one to poll and one for the rest, found ${allowedCpus.length}`,
      {
        hint: 'allow this process a second CPU',
      },
    )
  const reservedBefore = reserveHugepages()
  return {
    environment: discoverEnvironment('/'),
    allowedCpus,
    pollingCpu,
    pageSize: reservedBefore === undefined ? 'none' : '2Mi',
    release: () => {
      if (reservedBefore !== undefined && reservedBefore < hugepages)
        writeFileSync(hugepagesFile, String(reservedBefore))
    },
  }
}

/** How many were reserved before, or undefined when there are too few and no more can be had. */
function reserveHugepages(): number | undefined {
  const read = (): number => Number(readFileSync(hugepagesFile, 'utf8'))
  const before = read()
  if (before >= hugepages) return before
  try {
    writeFileSync(hugepagesFile, String(hugepages))
  } catch {
    return undefined
  }
  if (read() >= hugepages) return before
  writeFileSync(hugepagesFile, String(before))
  return undefined
}
