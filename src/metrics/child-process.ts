import { counter, gauge, known, type MetricDefinition } from './definition.js'
import type { ProcessStats } from './process-stats.js'

interface Child<Input> {
  /** What it is called here, in names and in words. */
  readonly word: 'worker' | 'program'
  /** Whose CPU time it is, with what ran before. */
  readonly cpuHelp: string
  read(input: Input): ProcessStats | null
}

/** What the kernel knows about the process that the supervisor keeps running. */
export function childProcessMetrics<Input extends { readonly supervisor: ProcessStats | null }>(
  child: Child<Input>,
): MetricDefinition<Input>[] {
  const { word, cpuHelp, read } = child
  const now = (field: keyof ProcessStats) =>
    known<Input>(`/proc of the ${word}`, 'gone', (input) => read(input)?.[field] ?? null)
  return [
    counter(
      `${word}_process_cpu_seconds`,
      [],
      cpuHelp,
      known(`/proc of supervisor and ${word}`, 'live', (input) =>
        input.supervisor ? input.supervisor.childrenCpuSeconds + (read(input)?.cpuSeconds ?? 0) : null,
      ),
    ),
    gauge(
      `${word}_process_resident_memory_bytes`,
      [],
      `Resident memory of the ${word}; hugepages are not in it.`,
      now('residentBytes'),
    ),
    gauge(`${word}_process_virtual_memory_bytes`, [], `Virtual memory of the ${word}.`, now('virtualBytes')),
    gauge(`${word}_process_threads`, [], `Threads of the ${word}.`, now('threads')),
    gauge(`${word}_process_open_fds`, [], `Open descriptors of the ${word}.`, now('openFds')),
  ]
}
