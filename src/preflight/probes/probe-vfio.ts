import { need, refusalOf, withOpen } from './attempt.js'
import { ioctl } from './ffi.js'
import { vfio } from './kernel-abi.js'
import type { AnswerOf, RequestOf } from './messages.js'

/** Opens the VFIO container and asks which IOMMU it speaks to. */
export function probeVfioContainer({ path }: RequestOf<'vfio-container'>): AnswerOf<'vfio-container'> {
  const answer: Omit<AnswerOf<'vfio-container'>, 'kind' | 'refusal'> = {
    apiVersion: null,
    type1: false,
    noIommu: false,
  }
  const refusal = refusalOf(() =>
    withOpen(path, (fd) => {
      const has = (extension: number) => (ioctl(fd, vfio.VFIO_CHECK_EXTENSION, extension).value ?? 0) > 0
      answer.apiVersion = need('VFIO_GET_API_VERSION', ioctl(fd, vfio.VFIO_GET_API_VERSION, 0))
      answer.type1 = has(vfio.TYPE1_IOMMU) || has(vfio.TYPE1v2_IOMMU)
      answer.noIommu = has(vfio.NOIOMMU_IOMMU)
    }),
  )
  return { kind: 'vfio-container', refusal, ...answer }
}

/** Opens the group, which only one process can, and asks whether every device of it is free for VFIO. */
export function probeVfioGroup({ path }: RequestOf<'vfio-group'>): AnswerOf<'vfio-group'> {
  let viable: boolean | null = null
  const refusal = refusalOf(() =>
    withOpen(path, (fd) => {
      // struct vfio_group_status: its own size, then flags.
      const status = Buffer.alloc(8)
      status.writeUInt32LE(status.length)
      need('VFIO_GROUP_GET_STATUS', ioctl(fd, vfio.VFIO_GROUP_GET_STATUS, status))
      viable = (status.readUInt32LE(4) & vfio.GROUP_VIABLE) !== 0
    }),
  )
  return { kind: 'vfio-group', refusal, viable }
}
