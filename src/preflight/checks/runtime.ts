import { findingMaker } from '../finding-maker.js'
import type { Check, CheckInput, CodeDeclarations, Finding } from '../types.js'

const codes = {
  'runtime-kata': {
    levels: ['warning'],
    meaning: 'the pod runs in a virtual machine of its own (kata): hugepages, VFs and taps are those of the guest',
    remedyIn: 'pod spec (runtimeClassName)',
  },
  'runtime-user-namespace': {
    levels: ['note'],
    meaning:
      'uids are mapped (hostUsers: false): capabilities count for the own network namespace, not for devices of the node',
    remedyIn: 'pod spec (hostUsers)',
  },
  'runtime-ok': { levels: ['ok'], meaning: 'an ordinary container, or none', remedyIn: '-' },
} as const satisfies CodeDeclarations
const finding = findingMaker(codes)

export const runtimeCheck = {
  name: 'runtime',
  title: 'What kind of container is it?',
  codes,
  run(input) {
    const found = [...kata(input), ...userNamespace(input)]
    if (found.length > 0) return found
    const { containerRuntime, release } = input.environment.kernel
    return [
      finding('runtime-ok', {
        subject: 'container',
        needed: 'an ordinary one',
        found: `${containerRuntime ?? 'none'}, Linux ${release}`,
      }),
    ]
  },
} satisfies Check

function kata({ environment }: CheckInput): Finding[] {
  if (environment.kernel.containerRuntime !== 'kata') return []
  return [
    finding('runtime-kata', {
      subject: 'container',
      needed: 'the kernel of the node',
      found: 'a virtual machine of kata',
      cause: 'the runtimeClassName of the pod',
      remedy:
        'pod spec: runtimeClassName: performance-<profile>, or none; a kata guest needs hugepages and vhost_net of its own',
    }),
  ]
}

function userNamespace({ environment }: CheckInput): Finding[] {
  const { process, pod } = environment
  if (!process.userNamespace || !pod.kubernetes) return []
  return [
    finding('runtime-user-namespace', {
      subject: 'container',
      needed: 'to know that uids inside are not those of the node',
      found: `a user namespace; uid ${process.uid} inside`,
      cause: 'hostUsers: false in the pod spec',
      remedy: 'nothing, unless a VF has to pin memory: IPC_LOCK does not lift the memlock limit here',
    }),
  ]
}
