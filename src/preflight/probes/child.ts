import { type ProbeAnswer, type ProbeReport, type ProbeRequest, probeRequest } from './messages.js'
import { probeHugepage } from './probe-hugepage.js'
import { probeHugetlbMount } from './probe-hugetlb-mount.js'
import { probeMempolicy } from './probe-mempolicy.js'
import { probeMlock } from './probe-mlock.js'
import { probeTap } from './probe-tap.js'
import { probeVfioContainer, probeVfioGroup } from './probe-vfio.js'
import { probeVhostNet } from './probe-vhost-net.js'

/**
 * The probe child: makes the system calls that the data plane will make, one probe for each message, and answers with
 * what the kernel said. It may hang or crash on one; then its parent tells so and starts another.
 */

function probe(request: ProbeRequest): ProbeAnswer {
  switch (request.kind) {
    case 'vhost-net':
      return probeVhostNet(request)
    case 'tap':
      return probeTap(request)
    case 'hugepage':
      return probeHugepage(request)
    case 'hugetlb-mount':
      return probeHugetlbMount(request)
    case 'mlock':
      return probeMlock(request)
    case 'mempolicy':
      return probeMempolicy()
    case 'vfio-container':
      return probeVfioContainer(request)
    case 'vfio-group':
      return probeVfioGroup(request)
  }
}

function reportOf(message: unknown): ProbeReport {
  try {
    return { type: 'answer', answer: probe(probeRequest.parse(message)) }
  } catch (error) {
    return { type: 'broken', message: error instanceof Error ? error.message : String(error) }
  }
}

/** A parent that went away is no reason to say anything. */
function report(message: ProbeReport): void {
  if (process.connected) process.send?.(message, () => {})
}

process.on('message', (message) => report(reportOf(message)))
report({ type: 'ready' } satisfies ProbeReport)
