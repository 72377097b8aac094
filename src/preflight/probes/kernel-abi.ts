/**
 * Numbers of the kernel's interface. ioctl numbers are the same on the architectures that DPDK pods have; those of
 * system calls are not.
 *
 * @see linux/if_tun.h, linux/vhost.h, linux/vfio.h, linux/mman.h, linux/magic.h
 */

export const tun = {
  IFF_TAP: 0x0002,
  IFF_MULTI_QUEUE: 0x0100,
  IFF_NO_PI: 0x1000,
  IFF_VNET_HDR: 0x4000,
  TUNSETIFF: 0x400454ca,
  TUNGETFEATURES: 0x800454cf,
} as const

export const netdev = {
  AF_INET: 2,
  SOCK_DGRAM: 2,
  SOCK_CLOEXEC: 0o2000000,
  SIOCGIFFLAGS: 0x8913,
  IFF_UP: 0x1,
  IFF_RUNNING: 0x40,
  /** struct ifreq: a name, then a union. */
  IFREQ_BYTES: 40,
  IFREQ_UNION: 16,
} as const

export const vhost = { VHOST_GET_FEATURES: 0x8008af00 } as const

/** Bits of VHOST_GET_FEATURES that decide what virtio-user can do. */
export const vhostFeatures: Readonly<Record<string, number>> = {
  VHOST_NET_F_VIRTIO_NET_HDR: 27,
  VIRTIO_NET_F_MRG_RXBUF: 15,
  VIRTIO_RING_F_INDIRECT_DESC: 28,
  VIRTIO_RING_F_EVENT_IDX: 29,
  VIRTIO_F_VERSION_1: 32,
  VIRTIO_F_ACCESS_PLATFORM: 33,
  VIRTIO_F_IN_ORDER: 35,
}

export const tunFeatures: Readonly<Record<string, number>> = {
  IFF_MULTI_QUEUE: 0x0100,
  IFF_VNET_HDR: 0x4000,
  IFF_NAPI: 0x0010,
}

export const vfio = {
  VFIO_GET_API_VERSION: 0x3b64,
  VFIO_CHECK_EXTENSION: 0x3b65,
  VFIO_GROUP_GET_STATUS: 0x3b67,
  TYPE1_IOMMU: 1,
  TYPE1v2_IOMMU: 3,
  NOIOMMU_IOMMU: 8,
  GROUP_VIABLE: 1,
} as const

export const memory = {
  PROT_READ: 1,
  PROT_WRITE: 2,
  MAP_SHARED: 0x01,
  MAP_PRIVATE: 0x02,
  MAP_ANONYMOUS: 0x20,
  MAP_NORESERVE: 0x4000,
  MFD_CLOEXEC: 1,
  MFD_HUGETLB: 4,
  /** Where memfd_create and mmap want the binary logarithm of the page size. */
  HUGE_SHIFT: 26,
  MLOCK_ONFAULT: 1,
  HUGETLBFS_MAGIC: 0x958458f6,
  MPOL_DEFAULT: 0,
} as const

const mempolicyCalls: Readonly<Record<string, Readonly<Record<'get_mempolicy' | 'set_mempolicy' | 'mbind', number>>>> =
  {
    x64: { get_mempolicy: 239, set_mempolicy: 238, mbind: 237 },
    arm64: { get_mempolicy: 236, set_mempolicy: 237, mbind: 235 },
  }

/** Null where Spillway has never been tried. */
export function mempolicyNumbers(architecture: string): (typeof mempolicyCalls)[string] | null {
  return mempolicyCalls[architecture] ?? null
}
