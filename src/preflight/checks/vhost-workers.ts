import { vhostWorkersAreOurs } from '../../plan/vhost.js'
import { findingMaker } from '../finding-maker.js'
import type { Check, CodeDeclarations } from '../types.js'
import { describeCpus } from './cpu-words.js'

const codes = {
  'vhost-workers-host': {
    levels: ['note'],
    meaning:
      "the kernel is older than 6.4: its vhost workers are threads of the host, outside of the pod's CPUs, quota and metrics",
    remedyIn: 'node (kernel, or CPUs of the vhost threads)',
  },
  'vhost-workers-ok': {
    levels: ['ok'],
    meaning: "vhost workers are threads of the worker, on the plan's CPUs; or no port uses vhost-net",
    remedyIn: '-',
  },
} as const satisfies CodeDeclarations
const finding = findingMaker(codes)

export const vhostWorkersCheck = {
  name: 'vhost-workers',
  title: 'Whose threads are the vhost workers?',
  codes,
  run({ environment: { kernel }, plan }) {
    const subject = 'vhost workers'
    const used = plan.ports.filter(({ exception }) => exception.backend === 'vhost-net')
    if (used.length === 0)
      return [finding('vhost-workers-ok', { subject, needed: 'nothing', found: 'no port uses vhost-net' })]
    const queues = used.reduce((total, { exception }) => total + exception.queues, 0)
    const words = { subject, needed: `${queues} of them, one for each queue of vhost-net` }
    if (vhostWorkersAreOurs(kernel.release) !== false) {
      const found = `threads of the worker process, to be placed on ${describeCpus(plan.vhost.cpus)}`
      return [finding('vhost-workers-ok', { ...words, found })]
    }
    return [
      finding('vhost-workers-host', {
        ...words,
        found: `Linux ${kernel.release}`,
        cause:
          "before Linux 6.4 they are kernel threads named vhost-PID that only the host sees: they run on the node's CPUs",
        remedy:
          "node: keep them off the pods' polling CPUs (kernel arguments isolcpus or, with the CPU manager, reservedSystemCPUs); " +
          'or a kernel of 6.4 or newer',
      }),
    ]
  },
} satisfies Check
