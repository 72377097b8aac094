import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { Stop } from '../setup/run.mjs'
import { portName } from './guest/messages.mjs'

/** @typedef {import('./kernel.mjs').Kernel} Kernel */

/**
 * @typedef {object} MachineSpec
 * @property {number} [vcpus]       3: one polls, one does the rest, and one that a test may keep busy
 * @property {number} [hugepages]   of 2 MiB
 * @property {readonly string[]} [kernelArguments]
 * @property {'one' | 'each'} [threads]  of this machine: one for all vCPUs, or each its own
 * @property {import('./kernel.mjs').KernelSource} [kernel]  that it boots
 * @property {'none' | 'stdio'} [terminal]  a second serial line for a shell
 */

/** The oldest QEMU that has the igb NIC, whose VFs are the product's. */
const oldestQemu = 8
export const qemu = 'qemu-system-x86_64'

/**
 * Below 2816 MiB q35 has no RAM above 4 GiB, and SeaBIOS gives the root port a 32-bit prefetchable window. QEMU 10
 * registers the BARs of VFs as 32-bit: above 4 GiB they lie at the low half of their address, nothing answers, the VF
 * says "PF still in reset state" and DPDK gets a random MAC and no packet, without an error.
 */
const memoryMib = 2560

/**
 * How the CPU is made. KVM where a person knows that it works (SPILLWAY_VM_ACCEL=kvm); an emulated one is 10 to 25 times slower
 * and works everywhere. Its vCPUs take turns on one thread unless they are to run at the same time: two guests beside each
 * other are faster so on two CPUs, and QEMU 10.0 with several threads was seen to end in the assertion of
 * iotlb_to_section() when devices came and went.
 */
export function accelerator(/** @type {MachineSpec} */ { threads = 'one' }) {
  const thread = threads === 'one' ? 'single' : 'multi'
  return process.env.SPILLWAY_VM_ACCEL ?? `tcg,thread=${thread},tb-size=512`
}

/**
 * @returns {string} QEMU's version
 * @throws Stop when there is no QEMU, or none with igb.
 */
export function checkQemu() {
  const { stdout, error } = spawnSync(qemu, ['--version'], { encoding: 'utf8' })
  const version = /version ((\d+)[\d.]*)/.exec(stdout ?? '')
  const remedy = `npm run test:vm installs it, on Debian 12 from backports`
  if (error || version === null) throw new Stop(`vm: need ${qemu} ${oldestQemu} or newer, found none; ${remedy}`, 69)
  const [, text = '', major] = version
  if (Number(major) >= oldestQemu) return text
  throw new Stop(`vm: need ${qemu} ${oldestQemu} or newer, which has the igb NIC, found ${version[0]}; ${remedy}`, 69)
}

/**
 * The command line of a machine whose root is this one's, with an SR-IOV NIC behind an IOMMU. Flags that matter:
 * intremap and caching-mode make VFIO work behind the emulated VT-d (Debian's kernels have no VFIO without an IOMMU);
 * the root port has ACS and ARI, so that each VF is alone in its IOMMU group; igb's own switch connects the VFs, and
 * the user network only gives the PF its carrier.
 *
 * @param {Kernel} kernel
 * @param {string} initramfs
 * @param {string} folder  for sockets and the serial log
 * @param {MachineSpec} spec
 * @returns {string[]}
 */
export function qemuArguments(kernel, initramfs, folder, spec) {
  const { vcpus = 3, terminal = 'none' } = spec
  const share = ['local,id=root,path=/,security_model=passthrough,readonly=on,multidevs=remap']
  return [
    ...['-name', 'spillway-vm', '-nodefaults', '-no-user-config', '-display', 'none', '-no-reboot'],
    ...['-machine', 'q35,kernel-irqchip=split', '-accel', accelerator(spec)],
    ...['-cpu', 'max', '-smp', String(vcpus), '-m', String(memoryMib)],
    ...['-device', 'intel-iommu,intremap=on,caching-mode=on'],
    ...['-kernel', kernel.image, '-initrd', initramfs, '-append', commandLine(kernel, spec)],
    ...['-serial', `file:${join(folder, 'serial.log')}`],
    ...(terminal === 'stdio' ? ['-serial', 'stdio'] : []),
    ...['-device', 'virtio-rng-pci', '-device', 'virtio-serial-pci'],
    ...['-chardev', `socket,id=agent,path=${join(folder, 'agent.sock')}`],
    ...['-device', `virtserialport,chardev=agent,name=${portName}`],
    ...['-fsdev', ...share, '-device', 'virtio-9p-pci,fsdev=root,mount_tag=root'],
    ...['-device', 'pcie-root-port,id=slot1,chassis=1,slot=1', '-netdev', 'user,id=wire,restrict=on,ipv6=off'],
    ...['-device', 'igb,bus=slot1,netdev=wire,mac=52:54:00:aa:00:01,romfile='],
  ]
}

/**
 * @param {Kernel} kernel
 * @param {MachineSpec} spec
 */
function commandLine({ tree }, { hugepages = 256, kernelArguments = [] }) {
  return [
    'console=ttyS0 quiet loglevel=4 panic=-1 nokaslr mitigations=off apparmor=0 audit=0',
    'intel_iommu=on iommu=pt random.trust_cpu=on tsc=reliable no_timer_check',
    `hugepagesz=2M hugepages=${hugepages}`,
    `spillway.kernel=${tree}`,
    `spillway.node=${process.execPath}`,
    `spillway.start=${join(import.meta.dirname, 'guest/start.sh')}`,
    `spillway.agent=${join(import.meta.dirname, 'guest/agent.mjs')}`,
    ...kernelArguments,
  ].join(' ')
}
