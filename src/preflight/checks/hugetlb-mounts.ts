import type { Environment, HugetlbMount } from '../../environment/types.js'
import { findingMaker } from '../finding-maker.js'
import type { Check, CheckInput, CodeDeclarations, Finding } from '../types.js'
import { describeOwner, describeProcess } from './access.js'
import { wordsFor } from './surroundings.js'

const codes = {
  'hugetlb-mount-not-writable': {
    levels: ['note'],
    meaning:
      'a hugetlbfs mount that this user cannot write to: Spillway needs none (--in-memory), other DPDK programs fail with "open rtemap_0"',
    remedyIn: 'pod spec (fsGroup) or the options of the mount',
  },
  'hugetlb-leftovers': {
    levels: ['warning'],
    meaning: 'files of a killed DPDK program on a hugetlbfs mount keep their pages as long as the pod lives',
    remedyIn: 'the mount (rm), and --in-memory for the other program',
  },
  'hugetlb-mount-one-for-two': {
    levels: ['note'],
    meaning: 'the pod has hugepages of two sizes, and one volume of medium HugePages for them',
    remedyIn: 'pod spec (medium: HugePages-SIZE)',
  },
  'hugetlb-mounts-ok': { levels: ['ok'], meaning: 'nothing on hugetlbfs that could disturb', remedyIn: '-' },
} as const satisfies CodeDeclarations
const finding = findingMaker(codes)

export const hugetlbMountsCheck = {
  name: 'hugetlb-mounts',
  title: 'Are the hugetlbfs mounts in order?',
  codes,
  run(input) {
    const { hugetlbMounts } = input.environment
    const found = [
      ...hugetlbMounts.flatMap((mount) => [...notWritable(mount, input), ...leftovers(mount, input)]),
      ...oneForTwo(input),
    ]
    if (found.length > 0) return found
    const shown = hugetlbMounts
      .map(({ path, pageSize }) => `${path} (pages of ${pageSize ?? 'unknown size'})`)
      .join(', ')
    return [
      finding('hugetlb-mounts-ok', {
        subject: 'hugetlbfs',
        needed: 'no mount: EAL runs with --in-memory',
        found: shown ? `mounted at ${shown}` : 'not mounted, and not needed',
      }),
    ]
  },
} satisfies Check

function notWritable(mount: HugetlbMount, { environment }: CheckInput): Finding[] {
  const { path, owner, writable } = mount
  if (writable) return []
  const { process } = environment
  return [
    finding('hugetlb-mount-not-writable', {
      subject: path,
      needed: 'nothing here; a DPDK program without --in-memory has to write there',
      found: `${describeOwner(owner)}; this process is ${describeProcess(process)}`,
      ...access(mount, environment),
    }),
  ]
}

function access({ path, pageSize }: HugetlbMount, environment: Environment) {
  const { uid, gid } = environment.process
  const inMemory = '; or --in-memory for the other program, as spillway exec {eal} says'
  const options = [
    `uid=${uid},gid=${gid},mode=0700`,
    ...(pageSize === null ? [] : [`pagesize=${pageSize.replace('i', '')}`]),
  ]
  const mount = `mount -t hugetlbfs -o ${options.join(',')} none FOLDER`
  return wordsFor(environment, {
    pod: {
      cause: 'a volume of medium HugePages belongs to root unless the pod has an fsGroup',
      remedy: `pod spec: spec.securityContext.fsGroup: ${gid}${inMemory}`,
    },
    container: {
      cause: 'a mount of the host keeps the owner it has there',
      remedy: `by hand as root of the host: ${mount}, and container: -v FOLDER:${path}${inMemory}`,
    },
    host: {
      cause: 'it was mounted for root, and a mount that is there cannot be given away by its options',
      remedy: `by hand as root: ${mount}${inMemory}`,
    },
  })
}

function leftovers({ path, leftovers: files, pageSize }: HugetlbMount, { environment }: CheckInput): Finding[] {
  if (files === 0) return []
  return [
    finding('hugetlb-leftovers', {
      subject: path,
      needed: 'no files named *map_*',
      found: `${files} file${files === 1 ? '' : 's'} of pages of ${pageSize ?? 'unknown size'}`,
      cause: `a DPDK program without --in-memory was killed, or runs now; ${wordsFor(environment, {
        pod: 'the volume dies with the pod, not with the container',
        host: 'such files outlive their program',
      })}`,
      remedy: `if no such program runs: rm ${path}/*map_*; start it with --in-memory or --huge-unlink=always`,
    }),
  ]
}

function oneForTwo({ environment }: CheckInput): Finding[] {
  const limits = environment.pod.hugepages.filter(({ kind, mib }) => kind === 'limit' && mib > 0)
  const sizes = [...new Set(limits.flatMap(({ size }) => (size === null ? [] : [size])))]
  const mounted = environment.hugetlbMounts.map(({ pageSize }) => pageSize)
  if (sizes.length < 2 || mounted.length === 0 || sizes.every((size) => mounted.includes(size))) return []
  return [
    finding('hugetlb-mount-one-for-two', {
      subject: 'hugetlbfs',
      needed: `a volume for each of ${sizes.join(' and ')}, if a program wants files`,
      found: `mounts of ${mounted.map((size) => size ?? 'unknown size').join(', ')}`,
      cause: 'medium: HugePages is ambiguous with two sizes',
      remedy: `pod spec: volumes: ${sizes.map((size) => `{emptyDir: {medium: HugePages-${size}}}`).join(' and ')}`,
    }),
  ]
}
