import { LONGEST_RUNTIME_DIRECTORY, LONGEST_SOCKET_PATH } from '../../plan/socket-path.js'
import { findingMaker } from '../finding-maker.js'
import type { Check, CheckInput, CodeDeclarations, Finding } from '../types.js'
import { describeProcess } from './access.js'

const codes = {
  'runtime-directory-not-writable': {
    levels: ['error', 'warning'],
    meaning:
      'no writable folder for the files of EAL: "Cannot create runtime directory", "Invalid command line arguments"; a warning when the folder for temporary files (TMPDIR, /tmp) can serve instead',
    remedyIn: 'pod spec (emptyDir and RUNTIME_DIRECTORY)',
  },
  'runtime-directory-too-long': {
    levels: ['warning'],
    meaning:
      "`exec` may refuse the folder: DPDK's telemetry socket in it would have too long a path; `run` has no such socket",
    remedyIn: 'pod spec (RUNTIME_DIRECTORY)',
  },
  'eal-prefix-duplicate': {
    levels: ['warning'],
    meaning: 'another DPDK program that runs has the same --file-prefix: telemetry sockets and files collide',
    remedyIn: 'the other program (--file-prefix)',
  },
  'eal-prefix-leftover': {
    levels: ['note'],
    meaning: 'a DPDK program that runs no more left files under the same --file-prefix',
    remedyIn: 'the runtime directory (rm)',
  },
  'runtime-directory-ok': { levels: ['ok'], meaning: 'EAL can keep its files', remedyIn: '-' },
} as const satisfies CodeDeclarations
const finding = findingMaker(codes)

export const runtimeDirectoryCheck = {
  name: 'runtime-directory',
  title: 'Can EAL keep its files?',
  codes,
  run(input) {
    const { path, from } = input.environment.runtimeDirectory
    const found = [...notWritable(input), ...tooLong(input), ...prefixes(input)]
    if (found.length > 0) return found
    const words = {
      subject: path,
      needed: 'a folder that can be written',
      found: `it can be written (${from === 'default' ? "EAL's default" : from})`,
    }
    return [finding('runtime-directory-ok', words)]
  },
} satisfies Check

function notWritable({ environment }: CheckInput): Finding[] {
  const { path, from, writable, fallback } = environment.runtimeDirectory
  if (writable) return []
  const { rootReadOnly } = environment.kernel
  const words = {
    subject: path,
    needed: 'a folder that can be written, for EAL and the counters of its worker',
    found: `${path} (${from === 'default' ? "EAL's default" : from}) cannot be written by ${describeProcess(environment.process)}${instead(environment.runtimeDirectory)}`,
    cause: rootReadOnly
      ? 'readOnlyRootFilesystem: true, and no volume at this path'
      : 'the folder is missing or belongs to another user',
    remedy: folderRemedy(environment),
  }
  return [finding('runtime-directory-not-writable', words, fallback.writable ? 'warning' : 'error')]
}

/** Where Spillway goes then. */
function instead({ path, fallback }: CheckInput['environment']['runtimeDirectory']): string {
  if (fallback.path === path) return ''
  return fallback.writable ? `; ${fallback.path} serves instead` : `, and neither can ${fallback.path}`
}

function folderRemedy({ pod, kernel, process }: CheckInput['environment']): string {
  return pod.kubernetes || kernel.containerRuntime !== null
    ? 'pod spec: volumes: [{name: run, emptyDir: {medium: Memory}}], volumeMounts: [{name: run, mountPath: /run/spillway}], env: [{name: RUNTIME_DIRECTORY, value: /run/spillway}]'
    : `RUNTIME_DIRECTORY=FOLDER, a folder that uid ${process.uid} may write to`
}

function tooLong({ environment }: CheckInput): Finding[] {
  const { path } = environment.runtimeDirectory
  if (path.length <= LONGEST_RUNTIME_DIRECTORY) return []
  return [
    finding('runtime-directory-too-long', {
      subject: path,
      needed: `a path of at most ${LONGEST_RUNTIME_DIRECTORY} characters, for the program of exec`,
      found: `${path.length} characters`,
      cause: `the telemetry socket of DPDK lies below it, and the path of a socket has at most ${LONGEST_SOCKET_PATH} bytes`,
      remedy: folderRemedy(environment),
    }),
  ]
}

function prefixes({ environment, plan }: CheckInput): Finding[] {
  const { path, prefixes: there } = environment.runtimeDirectory
  const ours = new Set([...plan.ealArgs, ...plan.program.ealArgs].flatMap(prefixOf))
  return there
    .filter(({ prefix }) => ours.has(prefix))
    .map(({ prefix, alive }) => {
      const subject = `--file-prefix=${prefix}`
      const needed = `no other EAL of that prefix in ${path}/dpdk`
      return alive
        ? finding('eal-prefix-duplicate', {
            subject,
            needed,
            found: `${path}/dpdk/${prefix}, and a program listens there`,
            cause: 'another container of the pod shares the folder, or an exec runs beside Spillway',
            remedy: `start the other program with a --file-prefix of its own (spillway exec -- PROGRAM {eal} does), or give each container its RUNTIME_DIRECTORY`,
          })
        : finding('eal-prefix-leftover', {
            subject,
            needed,
            found: `${path}/dpdk/${prefix}, and nobody listens there`,
            cause: 'a program that was killed left it',
            remedy: `rm -r ${path}/dpdk/${prefix}`,
          })
    })
}

function prefixOf(argument: string, index: number, all: readonly string[]): string[] {
  if (argument.startsWith('--file-prefix=')) return [argument.slice('--file-prefix='.length)]
  const next = argument === '--file-prefix' ? all[index + 1] : undefined
  return next === undefined ? [] : [next]
}
