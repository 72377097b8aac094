import { makeTap } from '../../scripts/vm/pod.mjs'
import { checkout } from '../native/container.js'
import { guidePod, launcher, type Pod, podNetwork, type StartSpec } from './pod.js'

/** What keeps the guide's pod from working, brought about for real, and what doctor and run have to say about it. */
export interface Cause extends StartSpec {
  /** Completes "names …, and run refuses before EAL starts". */
  readonly what: string
  readonly code: string
  /** Essential words of what was found, why, and of the remedy, in this order. */
  readonly says: RegExp
  /** What `run` ends with, where its plan has words of its own. */
  readonly refusal?: string
  readonly spoil?: Step
  readonly mend?: Step
}

export type Step = (pod: Pod) => Promise<unknown>

/** A shell script of the node's root. $VF is the pod's VF, $GROUP its group. */
export function onNode(script: string): Step {
  return ({ guest, node: { vfs } }) => {
    const [vf] = vfs
    return guest.must(['sh', '-euc', script], { env: { VF: vf?.pciAddress ?? '', GROUP: vf?.vfioGroup ?? '' } })
  }
}

export const remakeTap: Step = ({ guest }) => makeTap(guest)

/** A device that no container gets: under this name it is nobody's. */
const away = '/dev/away'
const takeAway = (device: string): Pick<Cause, 'spoil' | 'mend'> => ({
  spoil: onNode(`mv ${device} ${away}`),
  mend: onNode(`mv ${away} ${device}`),
})
const giveToRoot = (device: string): Pick<Cause, 'spoil' | 'mend'> => ({
  spoil: onNode(`chown root:root ${device}`),
  mend: onNode(`chown 1001:1001 ${device}`),
})

const { tap } = podNetwork
const exceptionPath = (exception: object) => ({ ports: [{ exception }] })
const onVhostNet = exceptionPath({ backend: 'vhost-net' })
const onTap = exceptionPath({ tap })
export const onHugepages = { memory: { pageSize: '2Mi' } }

export const devices: readonly Cause[] = [
  {
    what: 'a vhost-net that root owns, where the settings insist on it',
    code: 'vhost-net-mode',
    says: /0600 0:0.*EACCES.*uid 1001.*device_ownership_from_security_context/,
    refusal: 'ERR_VHOST_NET',
    settings: onVhostNet,
    ...giveToRoot('/dev/vhost-net'),
  },
  {
    what: 'a vhost-net that is not in the container, where the settings insist on it',
    code: 'vhost-net-missing',
    says: /no such device.*needVhostNet: true/,
    refusal: 'ERR_VHOST_NET',
    settings: onVhostNet,
    ...takeAway('/dev/vhost-net'),
  },
  {
    what: 'a tun of mode 0600',
    code: 'tun-refused',
    says: /0600 0:0.*EACCES.*chmod 0666 \/dev\/net\/tun/,
    refusal: 'ERR_TUN',
    settings: onTap,
    spoil: onNode('chmod 600 /dev/net/tun'),
    mend: onNode('chmod 666 /dev/net/tun'),
  },
  {
    what: 'a tun that is not in the container',
    code: 'tun-missing',
    says: /no such device.*needVhostNet: true/,
    refusal: 'ERR_TUN',
    settings: onTap,
    ...takeAway('/dev/net/tun'),
  },
  {
    what: 'the group of a VF that root owns',
    code: 'vfio-group-refused',
    says: /0600 0:0.*EACCES.*root alone.*device_ownership_from_security_context/,
    ...giveToRoot('/dev/vfio/$GROUP'),
  },
  {
    what: 'the group of a VF that is not in the container',
    code: 'vfio-group-missing',
    says: /PCIDEVICE_OPENSHIFT_IO_DPDKNIC names .*restart the device plugin pod/,
    ...takeAway('/dev/vfio/$GROUP'),
  },
  {
    what: 'a VFIO container that is not in the container',
    code: 'vfio-container-missing',
    says: /no such device.*resources\.limits: \{openshift\.io\/dpdknic/,
    ...takeAway('/dev/vfio/vfio'),
  },
  {
    what: 'a VF that a kernel driver has, which DPDK passes over without a word',
    code: 'vf-kernel-driver',
    says: /igbvf.*deviceType: vfio-pci/,
    spoil: onNode(`
      echo igbvf >/sys/bus/pci/devices/$VF/driver_override
      echo $VF >/sys/bus/pci/drivers/vfio-pci/unbind
      echo $VF >/sys/bus/pci/drivers_probe`),
    mend: onNode(`
      echo vfio-pci >/sys/bus/pci/devices/$VF/driver_override
      echo $VF >/sys/bus/pci/drivers/igbvf/unbind
      echo $VF >/sys/bus/pci/drivers_probe
      chown 1001:1001 /dev/vfio/$GROUP`),
  },
  {
    what: 'a PCI address that no device has',
    code: 'device-missing',
    says: /0000:01:1f\.7.*another node.*device: auto/,
    refusal: 'ERR_DEVICE',
    settings: { ports: [{ device: '0000:01:1f.7' }] },
  },
  {
    what: 'a vhost that takes a memory region less than EAL has lists',
    code: 'vhost-memory-regions',
    says: /max_mem_regions 6 memory regions.* 5 .*max_mem_regions=64/,
    spoil: onNode(`
      modprobe -r vhost_net vhost
      modprobe vhost max_mem_regions=5
      modprobe vhost_net
      chown 1001:1001 /dev/vhost-net`),
    mend: onNode(`
      modprobe -r vhost_net vhost
      modprobe vhost_net
      chown 1001:1001 /dev/vhost-net`),
  },
]

export const taps: readonly Cause[] = [
  {
    what: 'a tap that is not there',
    code: 'tap-missing',
    says: /lo, eth0, ext0.*the pod's taps are ext0.*exception\.tap: ext0/,
    refusal: 'ERR_TAP_MISSING',
    settings: exceptionPath({ tap: 'dp0' }),
  },
  {
    what: 'the tap of another user',
    code: 'tap-owner',
    says: /owner 1002.*uid 1001.*"owner": 1001/,
    refusal: 'ERR_TAP_OWNER',
    settings: onTap,
    spoil: ({ guest }) => makeTap(guest, { owner: 1002 }),
    mend: remakeTap,
  },
  {
    what: 'the tap of a group that the pod is not in',
    code: 'tap-group',
    says: /group 1002.*"group": 1001/,
    refusal: 'ERR_TAP_OWNER',
    settings: onTap,
    spoil: ({ guest }) => makeTap(guest, { group: 1002 }),
    mend: remakeTap,
  },
  {
    what: 'a netdev of that name that is no tap',
    code: 'tap-not-a-tap',
    says: /kind other.*"type": "tap"/,
    refusal: 'ERR_TAP_NOT_A_TAP',
    settings: onTap,
    spoil: onNode(`ip -n pod link del ${tap} && ip -n pod link add ${tap} type dummy`),
    mend: remakeTap,
  },
  {
    what: 'two queues on a tap that was made for one',
    code: 'tap-queues',
    says: /2 queues.*single queue.*"multiQueue": true.*queues: 1/,
    refusal: 'ERR_TAP_QUEUES',
    settings: exceptionPath({ tap, queues: 2 }),
    spoil: ({ guest }) => makeTap(guest, { multiQueue: false }),
    mend: remakeTap,
  },
]

/** Words that start the container after a script. */
const prepared = (text: string): readonly string[] => ['sh', '-euc', `${text}\nexec "$@"`, 'sh']
const refusingMempolicy = ['python3', `${checkout}/test/fixtures/probes/refuse-mempolicy.py`, '1']

export const privileges: readonly Cause[] = [
  {
    // The launcher's file capabilities are permitted and not effective: it starts also where the pod adds none of them.
    what: 'a memlock limit below the first page, where the pod does not add IPC_LOCK',
    code: 'memlock-refused',
    says: /CAP_IPC_LOCK.*the VF is refused.*64 KiB.*add: \[IPC_LOCK\]/,
    container: { ...guidePod, added: 0n, memlockBytes: 65_536 },
  },
  {
    what: 'a memlock limit of 8 MiB, with which another program gets a port and no packet',
    code: 'memlock-partial',
    says: /no packet ever arrives.*8 MiB.*add: \[IPC_LOCK\]/,
    container: { ...guidePod, added: 0n, memlockBytes: 8 * 2 ** 20 },
  },
  {
    what: 'an IPC_LOCK that is lost below a shell',
    code: 'capability-below-shell',
    says: /NoNewPrivs 1, uid 1001.*a shell.*command: \["spillway-launch", "run"\]/,
    command: ['/bin/sh', '-c', 'exec "$@"', 'sh', launcher],
  },
  {
    what: 'a seccomp profile that refuses the NUMA calls',
    code: 'probe-mempolicy-refused',
    says: /get_mempolicy: EPERM, set_mempolicy: EPERM, mbind: EPERM.*SYS_NICE/,
    below: refusingMempolicy,
  },
  {
    what: 'a runtime directory that root owns, where there is no other folder to write to',
    code: 'runtime-directory-not-writable',
    says: /\/run\/roots \(RUNTIME_DIRECTORY\).*uid 1001.*emptyDir/,
    env: { RUNTIME_DIRECTORY: '/run/roots' },
    // As with readOnlyRootFilesystem: true and no volume.
    below: prepared('mount -t tmpfs -o ro tmpfs /tmp'),
    spoil: onNode('mkdir /run/roots'),
    mend: onNode('rmdir /run/roots'),
  },
]

const setHugepages = (pages: number): Step => onNode(`echo ${pages} >/proc/sys/vm/nr_hugepages`)
/** What a guest boots with. */
export const allHugepages = setHugepages(256)
export const noHugepages = setHugepages(0)

const cgroup = '/sys/fs/cgroup/pod'
const join = `mount -t cgroup2 cgroup2 /sys/fs/cgroup && echo $$ >${cgroup}/cgroup.procs`
const limitHugepages = (mib: number): Pick<Cause, 'spoil' | 'mend'> => ({
  spoil: onNode(`
    echo +hugetlb >/sys/fs/cgroup/cgroup.subtree_control
    mkdir ${cgroup}
    echo ${mib}M >${cgroup}/hugetlb.2MB.max`),
  mend: onNode(`rmdir ${cgroup}`),
})

/** @param pages  of 2 MiB, that the plan takes */
export const memory = (pages: number): readonly Cause[] => [
  {
    what: 'a node without hugepages, where the settings insist on them',
    code: 'hugepages-none',
    says: /no pages of 2Mi.*the node reserves no hugepages.*hugepages-2Mi: \d+Mi/,
    refusal: 'ERR_HUGEPAGES',
    settings: onHugepages,
    spoil: noHugepages,
    mend: allHugepages,
  },
  {
    what: 'a node with one hugepage less than the plan takes',
    code: 'hugepages-in-use',
    says: new RegExp(`\\d+ MiB of hugepages.*${pages - 1} of ${pages - 1} pages free.*reserve more`),
    refusal: 'ERR_HUGEPAGES',
    settings: onHugepages,
    spoil: setHugepages(pages - 1),
    mend: allHugepages,
  },
  {
    what: 'a hugepage limit of the pod that is too small for the plan',
    code: 'hugepages-cgroup-limit',
    says: /cgroup limit 4, used 0.*the pod's limit is 8 MiB.*hugepages-2Mi: \d+Mi/,
    refusal: 'ERR_HUGEPAGES',
    settings: onHugepages,
    below: prepared(join),
    ...limitHugepages(8),
  },
  {
    what: 'a hugepage limit of none that the pod cannot see, by a first page that kills who touches it',
    code: 'probe-hugepage-killed',
    says: /SIGBUS.*no room left.*hugepages-2Mi/,
    below: prepared(`${join} && umount /sys/fs/cgroup`),
    ...limitHugepages(0),
  },
]
