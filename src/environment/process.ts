import type { HostFiles } from './host-files.js'
import type { ProcessEnvironment } from './types.js'

/** By bit number. @see capabilities(7), linux/capability.h */
const capabilityNames = (
  'CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP LINUX_IMMUTABLE NET_BIND_SERVICE ' +
  'NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO SYS_CHROOT SYS_PTRACE SYS_PACCT SYS_ADMIN ' +
  'SYS_BOOT SYS_NICE SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG MKNOD LEASE AUDIT_WRITE AUDIT_CONTROL SETFCAP MAC_OVERRIDE ' +
  'MAC_ADMIN SYSLOG WAKE_ALARM BLOCK_SUSPEND AUDIT_READ PERFMON BPF CHECKPOINT_RESTORE'
).split(' ')

export function discoverProcess(files: HostFiles): ProcessEnvironment {
  const status = files.text('proc/self/status') ?? ''
  // Real, effective, saved, file system: the effective id decides about taps and device nodes.
  const effectiveId = (line: string) => Number(new RegExp(`^${line}:\\s+\\d+\\s+(\\d+)`, 'm').exec(status)?.[1] ?? -1)
  const set = (name: string) =>
    nameCapabilities(new RegExp(`^Cap${name}:\\s*([0-9a-f]{1,16})$`, 'm').exec(status)?.[1] ?? '0')
  return {
    uid: effectiveId('Uid'),
    gid: effectiveId('Gid'),
    groups: [],
    capabilities: {
      effective: set('Eff'),
      permitted: set('Prm'),
      inheritable: set('Inh'),
      bounding: set('Bnd'),
      ambient: set('Amb'),
    },
    noNewPrivs: /^NoNewPrivs:\s*1$/m.test(status),
    seccomp: 'unknown',
    memlockBytes: null,
    openFiles: null,
    secureExecution: false,
    dumpable: true,
    selinuxContext: null,
    userNamespace: false,
    launched: false,
  }
}

export function nameCapabilities(mask: string): string[] {
  const bits = BigInt(`0x${mask}`)
  return capabilityNames.flatMap((name, bit) => (((bits >> BigInt(bit)) & 1n) === 1n ? [`CAP_${name}`] : []))
}
