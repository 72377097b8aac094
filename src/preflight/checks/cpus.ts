import { formatCpuList } from '../../config/cpu-list.js'
import { findFewShares } from '../../plan/shared-cpus.js'
import { findingMaker } from '../finding-maker.js'
import type { Check, CheckInput, CodeDeclarations, Finding } from '../types.js'
import { describeCpus } from './cpu-words.js'

const codes = {
  'cpu-one': {
    levels: ['warning'],
    meaning: 'the pod has one CPU: it polls and does the housekeeping',
    remedyIn: 'pod spec (resources.limits.cpu)',
  },
  'cpus-shared': {
    levels: ['warning'],
    meaning:
      'every CPU of the machine is allowed, or more than the pod requested (the shared pool of the static CPU manager policy): it has none of its own',
    remedyIn: 'pod spec (Guaranteed QoS, whole CPUs) and kubelet (cpuManagerPolicy: static)',
  },
  'cpu-load-balancing-off': {
    levels: ['note'],
    meaning: 'the runtime switched load balancing off: threads stay where they are, so each is pinned by itself',
    remedyIn: 'pod spec (annotation cpu-load-balancing.crio.io), if it was not meant',
  },
  'cpus-ok': { levels: ['ok'], meaning: 'the pod has CPUs for polling and for the rest', remedyIn: '-' },
} as const satisfies CodeDeclarations
const finding = findingMaker(codes)

export const cpusCheck = {
  name: 'cpus',
  title: 'Has the pod CPUs of its own?',
  codes,
  run(input) {
    const found = [...one(input), ...shared(input), ...loadBalancing(input)]
    return found.length > 0 ? found : [fine(input)]
  },
} satisfies Check

function one({ environment }: CheckInput): Finding[] {
  const { allowed } = environment.cpus
  if (allowed.length !== 1) return []
  return [
    finding('cpu-one', {
      subject: 'CPUs',
      needed: 'two CPUs or more: one to poll, one for Node, EAL and the exception path',
      found: `${describeCpus(allowed)} alone`,
      cause: 'the container requests one CPU',
      remedy: 'pod spec: resources.limits.cpu: "2" or more (and the same in requests)',
    }),
  ]
}

function shared({ environment }: CheckInput): Finding[] {
  const { allowed, online } = environment.cpus
  const few = findFewShares(environment)
  if (!environment.pod.kubernetes || online.length < 2 || (few === null && allowed.length < online.length)) return []
  const all = allowed.length < online.length ? few : `all ${online.length} of the machine are allowed`
  return [
    finding('cpus-shared', {
      subject: 'CPUs',
      needed: 'CPUs that no other pod uses',
      found: `${all}${environment.cpus.quota === null ? '' : `, quota ${environment.cpus.quota} CPUs`}`,
      cause:
        'the pod is not of QoS class Guaranteed with whole CPUs, or the kubelet has no static CPU manager policy, or the container is privileged and sees the host',
      remedy:
        'pod spec: resources.requests = limits for cpu (a whole number) and memory; kubelet: cpuManagerPolicy: static (OpenShift: PerformanceProfile)',
    }),
  ]
}

function loadBalancing({ environment, plan }: CheckInput): Finding[] {
  if (environment.cpus.loadBalancing) return []
  return [
    finding('cpu-load-balancing-off', {
      subject: 'CPUs',
      needed: 'housekeeping threads spread over the housekeeping CPUs',
      found: `load balancing is off; Spillway pins ${plan.cpus.pinning === 'each' ? 'each housekeeping thread to one CPU' : 'threads as a set'} of ${formatCpuList(plan.cpus.housekeeping)}`,
      cause: 'the annotation cpu-load-balancing.crio.io: disable, or a cpuset that is a partition of its own',
      remedy: null,
    }),
  ]
}

/** `CPU 1 polls`, `CPUs 2-3 poll` */
function doing(cpuIds: readonly number[], one: string, several: string): string {
  return `${describeCpus(cpuIds)} ${cpuIds.length === 1 ? one : several}`
}

function fine({ environment, plan }: CheckInput): Finding {
  const { polling, housekeeping } = plan.cpus
  const { allowed, online, isolated, mixed } = environment.cpus
  const kind =
    mixed !== null
      ? ', mixed CPUs'
      : polling.every((cpuId) => isolated.includes(cpuId))
        ? ', isolated by the kernel'
        : ''
  return finding('cpus-ok', {
    subject: 'CPUs',
    needed: 'CPUs to poll on and CPUs for the rest',
    found: `${allowed.length} of ${online.length} allowed: ${doing(polling, 'polls', 'poll')}, ${doing(housekeeping, 'does', 'do')} the rest${kind}`,
  })
}
