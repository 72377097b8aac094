import type { HugepageSize } from '../../config/terms.js'
import { pageKib } from '../../environment/hugepages.js'

export function pageMib(size: HugepageSize): number {
  return pageKib(size) / 1024
}

export function mibOf(pages: number, size: HugepageSize): number {
  return pages * pageMib(size)
}
