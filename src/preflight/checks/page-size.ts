import type { HugepageSize } from '../../config/terms.js'

export function pageMib(size: HugepageSize): number {
  return { '2Mi': 2, '512Mi': 512, '1Gi': 1024 }[size]
}

export function mibOf(pages: number, size: HugepageSize): number {
  return pages * pageMib(size)
}
