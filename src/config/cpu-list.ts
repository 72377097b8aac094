/** The highest CPU id a kernel can be built for (NR_CPUS on x86-64 and arm64). */
const highestCpuId = 8191

/**
 * Reads a list of CPU ids as the kernel writes it, e.g. `0-3,8`.
 *
 * @returns the ids in ascending order without repeats, or undefined when the text is no such list.
 * @see cpuset(7), "List format"
 */
export function parseCpuList(text: string): number[] | undefined {
  const cpuIds = new Set<number>()
  for (const range of text.trim().split(',')) {
    const match = /^(\d{1,4})(?:-(\d{1,4}))?$/.exec(range)
    if (match === null) return undefined
    const first = Number(match[1])
    const last = Number(match[2] ?? match[1])
    if (last < first || last > highestCpuId) return undefined
    for (let cpuId = first; cpuId <= last; cpuId++) cpuIds.add(cpuId)
  }
  return [...cpuIds].sort((a, b) => a - b)
}

/** The shortest text that `parseCpuList` reads back as the same ids. */
export function formatCpuList(cpuIds: readonly number[]): string {
  const ranges: [first: number, last: number][] = []
  for (const cpuId of [...new Set(cpuIds)].sort((a, b) => a - b)) {
    const range = ranges.at(-1)
    if (range !== undefined && range[1] === cpuId - 1) range[1] = cpuId
    else ranges.push([cpuId, cpuId])
  }
  return ranges.map(([first, last]) => (first === last ? `${first}` : `${first}-${last}`)).join(',')
}
