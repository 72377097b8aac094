import { copyCheckout } from '../../scripts/vm/checkout-copy.mjs'
import type { GuestProcess } from '../../scripts/vm/guest.mjs'
import { podUid } from '../../scripts/vm/pod.mjs'
import { Instance, launcher, type Pod, type Settings } from './pod.js'

/** What of the container a test may want otherwise. */
export interface ContainerSpec {
  /** `capabilities.add`; everything is dropped first. */
  readonly add?: readonly string[]
  readonly allowPrivilegeEscalation?: boolean
  readonly memlockBytes?: number
  readonly command?: readonly string[]
  readonly hugepagesBytes?: number
  readonly settings?: Settings
}

interface Device {
  readonly path: string
  readonly major: number
  readonly minor: number
}

const bundle = '/run/container'

/**
 * Starts `spillway run` in an OCI container as CRI-O would: user and group of the pod, capabilities dropped, devices owned by
 * the pod's user (device_ownership_from_security_context), its hugetlb limit, a read-only root, the pod's network
 * namespace. The root is the guest's own.
 */
export async function startContainer(pod: Pod, name: string, spec: ContainerSpec = {}): Promise<Instance> {
  const devices = await Promise.all(
    ['/dev/vhost-net', '/dev/net/tun', '/dev/vfio/vfio', `/dev/vfio/${pod.node.vfs[0]?.vfioGroup}`].map((path) =>
      statDevice(pod, path),
    ),
  )
  await pod.configure(spec.settings)
  await pod.guest.write(`${bundle}/config.json`, JSON.stringify(ociConfig(pod, devices, spec)))
  await makeRoot(pod)
  await pod.guest.script("echo '+hugetlb +pids +memory +cpu' > /sys/fs/cgroup/cgroup.subtree_control")
  const process: GuestProcess = await pod.guest.start(['crun', 'run', '--bundle', bundle, name])
  return new Instance(pod.guest, process)
}

/** Once: the guest's own files, without what is mounted in them but for the checkout in memory. */
async function makeRoot(pod: Pod): Promise<void> {
  const there = await pod.guest.run(['mountpoint', '-q', `${bundle}/rootfs`])
  if (there.exitCode === 0) return
  await pod.guest.script(`
    mkdir -p ${bundle}/rootfs
    mount --bind / ${bundle}/rootfs`)
  await copyCheckout(pod.guest, `${bundle}/rootfs`)
}

async function statDevice(pod: Pod, path: string): Promise<Device> {
  const [major = 0, minor = 0] = (await pod.guest.must(['stat', '-c', '0x%t 0x%T', path])).split(' ').map(Number)
  return { path, major, minor }
}

function ociConfig(pod: Pod, devices: readonly Device[], spec: ContainerSpec): object {
  const capabilities = (spec.add ?? ['IPC_LOCK']).map((name) => `CAP_${name}`)
  const memlock = spec.memlockBytes ?? 65_536
  const mount = (destination: string, type: string, ...options: string[]) => ({
    destination,
    type,
    source: type,
    options,
  })
  const tmpfs = (destination: string, mode: string) => mount(destination, 'tmpfs', 'nosuid', 'nodev', `mode=${mode}`)
  return {
    ociVersion: '1.0.2',
    hostname: 'dpdk-pod',
    root: { path: `${bundle}/rootfs`, readonly: true },
    process: {
      user: { uid: podUid, gid: podUid },
      args: [...(spec.command ?? [launcher]), 'run'],
      cwd: '/',
      env: [
        'PATH=/usr/sbin:/usr/bin:/sbin:/bin',
        `PCIDEVICE_OPENSHIFT_IO_DPDKNIC=${pod.node.vfs[0]?.pciAddress}`,
        'RUNTIME_DIRECTORY=/run/spillway',
      ],
      noNewPrivileges: !(spec.allowPrivilegeEscalation ?? false),
      // Kubernetes has no ambient capabilities, and runtimes leave the inheritable ones empty.
      capabilities: {
        bounding: capabilities,
        permitted: capabilities,
        effective: capabilities,
        inheritable: [],
        ambient: [],
      },
      rlimits: [{ type: 'RLIMIT_MEMLOCK', hard: memlock, soft: memlock }],
    },
    mounts: [
      mount('/proc', 'proc', 'nosuid', 'noexec', 'nodev'),
      mount('/dev', 'tmpfs', 'nosuid', 'mode=755'),
      tmpfs('/dev/shm', '1777'),
      mount('/sys', 'sysfs', 'nosuid', 'noexec', 'nodev', 'ro'),
      mount('/sys/fs/cgroup', 'cgroup', 'nosuid', 'noexec', 'nodev', 'ro'),
      tmpfs('/tmp', '1777'),
      tmpfs('/run/spillway', '1777'),
    ],
    linux: {
      namespaces: [
        ...['pid', 'ipc', 'uts', 'mount', 'cgroup'].map((type) => ({ type })),
        { type: 'network', path: '/run/netns/pod' },
      ],
      devices: devices.map(({ path, major, minor }) => ({
        ...{ path, major, minor, type: 'c', uid: podUid, gid: podUid },
        fileMode: path === '/dev/net/tun' || path === '/dev/vfio/vfio' ? 0o666 : 0o600,
      })),
      resources: {
        devices: [
          { allow: false, access: 'rwm' },
          ...devices.map(({ major, minor }) => ({ allow: true, type: 'c', major, minor, access: 'rw' })),
        ],
        hugepageLimits: [{ pageSize: '2MB', limit: spec.hugepagesBytes ?? 256 * 2 ** 20 }],
        pids: { limit: 200 },
      },
      maskedPaths: ['/proc/kcore', '/proc/keys', '/sys/firmware'],
      readonlyPaths: ['/proc/sys', '/proc/irq', '/proc/bus'],
    },
  }
}
