import { findingMaker } from '../finding-maker.js'
import type { Check, CodeDeclarations } from '../types.js'

const codes = {
  'vhost-memory-regions': {
    levels: ['warning'],
    meaning: 'vhost takes fewer memory regions than EAL may have: "Failed to set memory table"',
    remedyIn: 'node (options vhost max_mem_regions)',
  },
  'vhost-memory-ok': { levels: ['ok'], meaning: 'vhost can map the memory of the plan, or is not used', remedyIn: '-' },
} as const satisfies CodeDeclarations
const finding = findingMaker(codes)

/** Memory lists that EAL makes of one page size on one NUMA node for up to 32 GiB, and one for external memory. */
const listsPerNode = 4

export const vhostMemoryCheck = {
  name: 'vhost-memory',
  title: 'Can vhost map the memory?',
  codes,
  run({ environment, plan }) {
    const limit = environment.kernel.vhost?.maxMemRegions ?? null
    const used = plan.ports.some(({ exception }) => exception.backend === 'vhost-net')
    const needed = plan.memory.nodes.length * listsPerNode
    const words = { subject: 'vhost max_mem_regions', needed: `${needed} memory regions` }
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
        cause: 'the module was loaded with a small max_mem_regions (64 is its default)',
        remedy:
          'node: options vhost max_mem_regions=64 in /etc/modprobe.d/vhost.conf; or Spillway: exception.backend: tap',
      }),
    ]
  },
} satisfies Check
