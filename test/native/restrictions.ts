import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/**
 * Ways to start a program with less than a test has, each a list of words to put before the command. They are made of
 * real limits of the kernel: nothing is made up.
 */

const fixture = (name: string): string => fileURLToPath(new URL(`../fixtures/probes/${name}`, import.meta.url))

/** Somebody without any capability, as a pod's container with `drop: [ALL]`. */
export function asUser(uid: number, gid: number, groups: readonly number[] = []): string[] {
  const supplementary = groups.length === 0 ? ['--clear-groups'] : [`--groups=${groups.join(',')}`]
  const capabilities = ['--bounding-set=-all', '--inh-caps=-all', '--no-new-privs']
  return ['setpriv', `--reuid=${uid}`, `--regid=${gid}`, ...supplementary, ...capabilities]
}

export function withMemlock(bytes: number): string[] {
  return ['prlimit', `--memlock=${bytes}:${bytes}`]
}

/** @param errno  1 is EPERM, 38 is ENOSYS */
export function refusingMempolicy(errno: number): string[] {
  return ['python3', fixture('refuse-mempolicy.py'), String(errno)]
}

/**
 * What a container has of its own: /sys shows its network namespace, and /dev/net/tun is open to everybody, whatever it
 * is on this machine.
 */
const likeContainer = `mount -t sysfs none /sys
mount -t tmpfs -o mode=0755 none /dev/net
mknod -m 0666 /dev/net/tun c 10 200`

/** A network namespace of its own, prepared by a shell script. */
export function inNetns(script: string): string[] {
  return ['unshare', '-nm', 'sh', '-ec', `${likeContainer}\n${script}\nexec "$@"`, 'sh']
}

const hugepagesFile = '/proc/sys/vm/nr_hugepages'
const hierarchy = ['/sys/fs/cgroup/unified', '/sys/fs/cgroup'].find((folder) =>
  existsSync(`${folder}/cgroup.controllers`),
)

/** What is missing for {@link withHugepages} and {@link inHugetlbCgroup}; null when nothing is. */
export function hugetlbMissing(): string | null {
  if (process.getuid?.() !== 0) return 'root, to reserve hugepages'
  if (hierarchy === undefined) return 'a cgroup v2 hierarchy'
  if (!readFileSync(`${hierarchy}/cgroup.controllers`, 'utf8').includes('hugetlb')) return 'the hugetlb controller'
  return null
}

/** Reserves pages of 2 MiB while `act` runs. */
export async function withHugepages<T>(pages: number, act: () => Promise<T> | T): Promise<T> {
  const before = readFileSync(hugepagesFile, 'utf8')
  writeFileSync(hugepagesFile, String(pages))
  try {
    if (Number(readFileSync(hugepagesFile, 'utf8')) < pages) throw new Error(`no ${pages} hugepages to be had`)
    return await act()
  } finally {
    writeFileSync(hugepagesFile, before)
  }
}

/** A hugetlb cgroup with room for so many bytes of 2 MiB pages; gone when `act` is done. */
export async function inHugetlbCgroup<T>(bytes: number, act: (prefix: string[]) => Promise<T> | T): Promise<T> {
  const folder = `${hierarchy}/spillway-test-${process.pid}`
  writeFileSync(`${hierarchy}/cgroup.subtree_control`, '+hugetlb')
  mkdirSync(folder)
  try {
    writeFileSync(`${folder}/hugetlb.2MB.max`, String(bytes))
    return await act(['sh', '-ec', `echo $$ > ${folder}/cgroup.procs\nexec "$@"`, 'sh'])
  } finally {
    rmdirSync(folder)
    writeFileSync(`${hierarchy}/cgroup.subtree_control`, '-hugetlb')
  }
}

const runner = new URL('../../dist/preflight/probe-runner.js', import.meta.url).href

/** Runs a command below restrictions, and gives what it wrote. */
export function runBelow(restrictions: readonly string[][], command: readonly string[]): string {
  const [program = '', ...args] = [...restrictions.flat(), ...command]
  return execFileSync(program, args, { encoding: 'utf8' })
}

/** What the real probe child finds below restrictions. */
export function probeBelow(restrictions: readonly string[][], ...requests: object[]): Record<string, unknown>[] {
  const ask = [process.execPath, fixture('ask.mjs'), runner, JSON.stringify(requests)]
  return JSON.parse(runBelow(restrictions, ask))
}
