import { pageKib } from '../../environment/hugepages.js'
import type { Environment } from '../../environment/types.js'
import type { Plan } from '../../plan/types.js'
import { findingMaker } from '../finding-maker.js'
import type { Check, CodeDeclarations } from '../types.js'

const codes = {
  'vhost-memory-regions': {
    levels: ['error'],
    meaning:
      'vhost takes fewer memory regions than EAL has: "Failed to set memory table", and a port starts whose tap never gets a packet',
    remedyIn: 'node (options vhost max_mem_regions)',
  },
  'vhost-memory-ok': { levels: ['ok'], meaning: 'vhost can map the memory of the plan, or is not used', remedyIn: '-' },
} as const satisfies CodeDeclarations
const finding = findingMaker(codes)

const gib = 2 ** 30
/** RTE_MAX_MEM_MB_PER_TYPE, RTE_MAX_MEM_MB_PER_LIST, RTE_MAX_MEMSEG_PER_TYPE and RTE_MAX_MEMSEG_PER_LIST as DPDK is built. */
const most = { bytesPerType: 64 * gib, bytesPerList: 32 * gib, pagesPerType: 32_768, pagesPerList: 8192 }

export const vhostMemoryCheck = {
  name: 'vhost-memory',
  title: 'Can vhost map the memory?',
  codes,
  run({ environment, plan }) {
    const limit = environment.kernel.vhost?.maxMemRegions ?? null
    const used = plan.ports.some(({ exception }) => exception.backend === 'vhost-net')
    const needed = memoryLists(plan, environment)
    const words = { subject: 'vhost max_mem_regions', needed: `${needed} memory regions, one for each list of EAL` }
    if (!used || limit === null || limit >= needed) {
      return [
        finding('vhost-memory-ok', {
          ...words,
          found: used ? `${limit ?? 'the module does not say how many'}` : 'no port uses vhost-net',
        }),
      ]
    }
    return [
      finding('vhost-memory-regions', {
        ...words,
        found: `${limit}`,
        cause: 'the module vhost was loaded with a small max_mem_regions (64 is its default)',
        remedy:
          'node: options vhost max_mem_regions=64 in /etc/modprobe.d/vhost.conf; or Spillway: exception.backend: tap',
      }),
    ]
  },
} satisfies Check

/**
 * The lists of memory that EAL makes, whatever it then reserves: virtio-user shows vhost each as a region. With
 * --in-memory it makes them for every page size of the kernel, and on every NUMA node of the machine.
 *
 * @see DPDK eal_dynmem_memseg_lists_init, and add_memseg_list of virtio-user's vhost_kernel.c
 */
function memoryLists({ memory }: Plan, { hugepages, numaNodes }: Environment): number {
  if (memory.pageSize === 'none') return 1
  const ofNode = hugepages.reduce((lists, { size }) => lists + listsOfSize(pageKib(size) * 1024), 0)
  return ofNode * numaNodes.length
}

function listsOfSize(pageBytes: number): number {
  const pages = Math.min(most.bytesPerType / pageBytes, most.pagesPerType)
  const pagesPerList = Math.min(pages, most.pagesPerList, most.bytesPerList / pageBytes)
  return Math.floor(pages / pagesPerList)
}
