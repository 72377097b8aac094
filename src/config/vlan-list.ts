const highestVlanId = 4094

/** One entry of a list of VLANs: an id, or a range such as `200-210`; undefined when the text is neither. */
function parseEntry(entry: number | string): readonly [first: number, last: number] | undefined {
  const match = /^(\d{1,4})(?:-(\d{1,4}))?$/.exec(String(entry))
  if (match === null) return undefined
  const first = Number(match[1])
  const last = Number(match[2] ?? match[1])
  return first < 1 || last < first || last > highestVlanId ? undefined : [first, last]
}

/**
 * Reads a list of VLAN ids and ranges of them, e.g. `[100, "200-210"]`.
 *
 * @returns the ids in ascending order without repeats, or undefined when an entry is none.
 */
export function parseVlanList(entries: readonly (number | string)[]): number[] | undefined {
  const ids = new Set<number>()
  for (const entry of entries) {
    const range = parseEntry(entry)
    if (range === undefined) return undefined
    for (let id = range[0]; id <= range[1]; id++) ids.add(id)
  }
  return [...ids].sort((a, b) => a - b)
}
