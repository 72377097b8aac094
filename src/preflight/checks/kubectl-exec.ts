import { formatCpuList } from '../../config/cpu-list.js'
import { findingMaker } from '../finding-maker.js'
import type { Check, CheckInput, CodeDeclarations } from '../types.js'
import { describeCpus } from './cpu-words.js'

const codes = {
  'exec-on-polling-cpus': {
    levels: ['note'],
    meaning: 'what kubectl exec and exec probes start may run on polling CPUs: it gets the whole cpuset',
    remedyIn: 'pod spec (httpGet probes) and node (exec_cpu_affinity)',
  },
  'exec-ok': {
    levels: ['ok'],
    meaning: 'no polling CPU that an exec could disturb, or the runtime keeps it off',
    remedyIn: '-',
  },
} as const satisfies CodeDeclarations
const finding = findingMaker(codes)

const annotation = 'performance.openshift.io/exec-cpu-affinity'

export const kubectlExecCheck = {
  name: 'kubectl-exec',
  title: 'Where does kubectl exec land?',
  codes,
  run(input) {
    const { kubernetes, runtimeAnnotations } = input.environment.pod
    if (!kubernetes || !exclusive(input)) {
      return [
        finding('exec-ok', {
          subject: 'kubectl exec',
          needed: 'exec off the polling CPUs',
          found: 'cannot disturb, since no CPUs are of this container alone',
        }),
      ]
    }
    const optedOut = runtimeAnnotations[annotation] === 'disable'
    return [
      finding('exec-on-polling-cpus', {
        subject: 'kubectl exec',
        needed: `exec and exec probes off ${describeCpus(input.plan.cpus.polling)}`,
        found: optedOut
          ? `the annotation ${annotation} is "disable"`
          : 'nothing in the pod says that the runtime keeps them off',
        cause: 'an exec starts with the cpuset of the container, not with the affinity of Spillway',
        remedy: remedyFor(input, optedOut),
      }),
    ]
  },
} satisfies Check

function remedyFor({ environment, plan }: CheckInput, optedOut: boolean): string {
  return [
    'pod spec: probes with httpGet /livez and /readyz, no exec probes',
    ...(environment.kernel.containerRuntime === 'cri-o' ? ['node: exec_cpu_affinity = "first" in a newer CRI-O'] : []),
    ...(optedOut ? [`pod spec: remove the annotation ${annotation}`] : []),
    `by hand: kubectl exec … -- taskset -c ${formatCpuList(plan.cpus.housekeeping)} …`,
  ].join('; ')
}

function exclusive({ environment }: CheckInput): boolean {
  const { allowed, online } = environment.cpus
  return allowed.length < online.length && allowed.length > 1
}
