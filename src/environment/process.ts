import type { HostFiles } from './host-files.js'
import type { CapabilitySets, ProcessEnvironment } from './types.js'

/** By bit number. @see capabilities(7), linux/capability.h */
const capabilityNames = (
  'CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP LINUX_IMMUTABLE NET_BIND_SERVICE ' +
  'NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO SYS_CHROOT SYS_PTRACE SYS_PACCT SYS_ADMIN ' +
  'SYS_BOOT SYS_NICE SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG MKNOD LEASE AUDIT_WRITE AUDIT_CONTROL SETFCAP MAC_OVERRIDE ' +
  'MAC_ADMIN SYSLOG WAKE_ALARM BLOCK_SUSPEND AUDIT_READ PERFMON BPF CHECKPOINT_RESTORE'
).split(' ')

/** By number. @see prctl(2), PR_GET_SECCOMP */
const seccompModes = ['off', 'strict', 'filter'] as const

/** Who we are and what we may. `launched` is said by the caller, who knows what the launcher handed over. */
export function discoverProcess(files: HostFiles, launched: boolean): ProcessEnvironment {
  const status = readStatus(files)
  const limits = files.text('proc/self/limits') ?? ''
  // Of a process that is not dumpable its files belong to root.
  const dumpable = files.readError('proc/self/environ') === undefined
  return {
    uid: effectiveId(status, 'Uid'),
    gid: effectiveId(status, 'Gid'),
    groups: readGroups(status.get('Groups') ?? ''),
    capabilities: readCapabilitySets(status),
    noNewPrivs: status.get('NoNewPrivs') === '1',
    seccomp: seccompModes[Number(status.get('Seccomp') ?? Number.NaN)] ?? 'unknown',
    memlockBytes: readSoftLimit(limits, 'Max locked memory'),
    openFiles: readSoftLimit(limits, 'Max open files'),
    // Node becomes undumpable by an exec that gained something, and that exec is a secure one.
    secureExecution: readSecureExecution(files.bytes('proc/self/auxv')) || !dumpable,
    dumpable,
    selinuxContext: readSelinuxContext(files),
    userNamespace: isUserNamespace(files.text('proc/self/uid_map')),
    launched,
  }
}

function readStatus(files: HostFiles): Map<string, string> {
  const lines = (files.text('proc/self/status') ?? '').split('\n')
  return new Map(
    lines.flatMap((line) => {
      const colon = line.indexOf(':')
      return colon > 0 ? [[line.slice(0, colon), line.slice(colon + 1).trim()] as const] : []
    }),
  )
}

/** Real, effective, saved, file system: the effective id decides about taps and device nodes. */
function effectiveId(status: ReadonlyMap<string, string>, line: string): number {
  return Number(/^\d+\s+(\d+)/.exec(status.get(line) ?? '')?.[1] ?? -1)
}

function readGroups(text: string): number[] {
  const groups = text.split(/\s+/).filter((word) => /^\d+$/.test(word))
  return groups.map(Number).sort((a, b) => a - b)
}

function readCapabilitySets(status: ReadonlyMap<string, string>): CapabilitySets {
  const set = (line: string) => nameCapabilities(/^[0-9a-f]{1,16}$/.exec(status.get(line) ?? '')?.[0] ?? '0')
  return {
    effective: set('CapEff'),
    permitted: set('CapPrm'),
    inheritable: set('CapInh'),
    bounding: set('CapBnd'),
    ambient: set('CapAmb'),
  }
}

export function nameCapabilities(mask: string): string[] {
  const bits = BigInt(`0x${mask}`)
  return capabilityNames.flatMap((name, bit) => (((bits >> BigInt(bit)) & 1n) === 1n ? [`CAP_${name}`] : []))
}

/** `Max locked memory         65536                65536                bytes`: the first is the soft one. */
function readSoftLimit(limits: string, name: string): number | null {
  const soft = new RegExp(`^${name}\\s+(\\d+)\\s`, 'm').exec(limits)?.[1]
  return soft === undefined ? null : Number(soft)
}

/** AT_SECURE. @see getauxval(3), elf.h */
const atSecure = 23n

/** Pairs of 64-bit numbers, what and value, both little-endian on the machines DPDK runs on here. */
export function readSecureExecution(auxv: Buffer | undefined): boolean {
  for (let at = 0; auxv !== undefined && at + 16 <= auxv.length; at += 16) {
    if (auxv.readBigUInt64LE(at) === atSecure) return auxv.readBigUInt64LE(at + 8) !== 0n
  }
  return false
}

/** Without SELinux the file cannot be read, or names AppArmor's profile, which has no colons. */
function readSelinuxContext(files: HostFiles): string | null {
  const context = files.text('proc/self/attr/current')?.replace(/[\0\n]+$/, '') ?? ''
  return /^[\w.-]+:[\w.-]+:[\w.-]+(?::\S+)?$/.test(context) ? context : null
}

/** The first user namespace maps all ids onto themselves. */
function isUserNamespace(map: string | undefined): boolean {
  return map !== undefined && map.trim() !== '' && !/^0\s+0\s+4294967295$/.test(map.trim())
}
