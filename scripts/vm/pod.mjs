import { Stop } from '../setup/run.mjs'
import { copyCheckout } from './checkout-copy.mjs'

/** @typedef {import('./guest.mjs').Guest} Guest */

/**
 * The pod of the OpenShift guide in a guest, made of what the SR-IOV operator, its device plugin, the CNI plugins and the
 * runtime make on a node:
 *
 *     pod namespace                                           peer namespace
 *     ext0 (tap, 10.0.0.1) ◀─▶ vhost-net ◀─▶ Spillway ◀─▶ VF 0 ◀── igb's switch ──▶ VF 1 = vf1 (10.0.0.9)
 *     eth0 (10.128.0.2) ◀── veth ──▶ node0 (10.128.0.1), the node: Prometheus and the kubelet come from here
 */
export const podNetwork = {
  tap: 'ext0',
  tapV4: '10.0.0.1',
  tapV6: 'fd00::1',
  peer: 'vf1',
  peerV4: '10.0.0.9',
  peerV6: 'fd00::9',
  /** Nobody's address: the rule `local` would punt what goes to the tap's. */
  fastPathV4: '10.0.0.200',
  podV4: '10.128.0.2',
  nodeV4: '10.128.0.1',
  vfMac: '52:54:00:bb:00:00',
  peerMac: '52:54:00:bb:00:01',
}

export const podUid = 1001

/**
 * @typedef {object} Vf
 * @property {string} pciAddress
 * @property {string} vfioGroup  its number, as in /dev/vfio
 */

/**
 * @typedef {object} Node
 * @property {string} pf           netdev of the PF
 * @property {string} pfAddress
 * @property {readonly Vf[]} vfs   the pod's on vfio-pci, the peer's on igbvf
 */

/**
 * @typedef {object} PodOptions
 * @property {boolean} [trust]       of the pod's VF; a VF without it may not be promiscuous
 * @property {boolean} [spoofCheck]
 */

/** Loads what a node of the guide has loaded. @throws Stop naming the module that this kernel lacks. */
async function loadModules(/** @type {Guest} */ guest) {
  const names = ['vhost_net', 'tun', 'vfio-pci', 'igb', 'igbvf', '8021q', 'veth', 'macvlan']
  for (const name of names) {
    const { exitCode, stderr } = await guest.run(['modprobe', name])
    if (exitCode === 0) continue
    const remedy = 'remove the cache folder of the checkout, so that the kernel is fetched anew'
    throw new Stop(`vm: need the kernel module ${name} in the guest, found ${stderr.trim()}; ${remedy}`, 69)
  }
}

/**
 * Two VFs: the first for DPDK behind the IOMMU, the second for the peer's kernel. A VF answers only while its PF is up; and
 * with autoprobe off, binding needs driver_override and a probe.
 *
 * @param {Guest} guest
 * @param {PodOptions} [options]
 * @returns {Promise<Node>}
 */
export async function makeVfs(guest, { trust = true, spoofCheck = false } = {}) {
  const flags = `spoofchk ${spoofCheck ? 'on' : 'off'} trust ${trust ? 'on' : 'off'}`
  const text = await guest.script(`
    until pf=$(dirname /sys/bus/pci/devices/*/sriov_numvfs) && netdev=$(ls "$pf/net"); do sleep 0.1; done
    ip link set "$netdev" up
    until [ "$(cat /sys/class/net/$netdev/carrier)" = 1 ]; do sleep 0.1; done
    echo 0 >"$pf/sriov_drivers_autoprobe"
    echo 2 >"$pf/sriov_numvfs"
    ip link set "$netdev" vf 0 mac ${podNetwork.vfMac} ${flags}
    ip link set "$netdev" vf 1 mac ${podNetwork.peerMac} spoofchk off trust on
    bind() {
      echo "$2" >"/sys/bus/pci/devices/$1/driver_override"
      echo "$1" >/sys/bus/pci/drivers_probe
    }
    for n in 0 1; do
      vf=$(basename "$(readlink "$pf/virtfn$n")")
      if [ $n = 0 ]; then bind "$vf" vfio-pci; else bind "$vf" igbvf; fi
      echo "vf $vf $(basename "$(readlink "/sys/bus/pci/devices/$vf/iommu_group")")"
    done
    echo "pf $(basename "$pf") $netdev"`)
  const rows = text.split('\n').map((line) => line.split(' '))
  const [, pfAddress = '', pf = ''] = rows.find(([kind]) => kind === 'pf') ?? []
  const vfs = rows.flatMap(([kind, pciAddress = '', vfioGroup = '']) =>
    kind === 'vf' ? [{ pciAddress, vfioGroup }] : [],
  )
  return { pf, pfAddress, vfs }
}

/** The peer: a kernel on the other VF, in a namespace of its own. */
export function makePeer(/** @type {Guest} */ guest, /** @type {Vf | undefined} */ vf) {
  const { peer, peerV4, peerV6, fastPathV4, vfMac } = podNetwork
  return guest.script(`
    ip netns add peer
    ip link set "$(ls /sys/bus/pci/devices/${vf?.pciAddress}/net)" netns peer name ${peer}
    ip -n peer -batch - <<'END'
    link set lo up
    addr add ${peerV4}/24 dev ${peer}
    addr add ${peerV6}/64 dev ${peer} nodad
    link set ${peer} up
    neigh replace ${fastPathV4} lladdr ${vfMac} dev ${peer} nud permanent
END`)
}

/**
 * The pod's network namespace: loopback, eth0, and the tap as the tap plugin of the CNI leaves it behind, persistent and
 * owned by the pod's user.
 */
function makePodNamespace(/** @type {Guest} */ guest) {
  const { podV4, nodeV4 } = podNetwork
  return guest.script(`
    ip netns add pod
    ip -n pod link set lo up
    ip link add node0 type veth peer name eth0 netns pod
    ip addr add ${nodeV4}/24 dev node0
    ip link set node0 up
    ip -n pod addr add ${podV4}/24 dev eth0
    ip -n pod link set eth0 up`)
}

/**
 * @typedef {object} TapOptions
 * @property {number} [owner]
 * @property {number} [group]
 * @property {boolean} [multiQueue]
 * @property {string | null} [mac]  null: one of the kernel's choice
 */

/**
 * Makes the tap, anew if it is there: what the tap plugin does for the second network of the guide's pod.
 *
 * @param {Guest} guest
 * @param {TapOptions} [options]
 */
export async function makeTap(guest, options = {}) {
  const { owner = podUid, group = podUid, multiQueue = true, mac = podNetwork.vfMac } = options
  const { tap, tapV4, tapV6 } = podNetwork
  const queues = multiQueue ? 'multi_queue' : ''
  await guest.script(`
    ip -n pod link del ${tap} 2>/dev/null || true
    ip -n pod tuntap add ${tap} mode tap ${queues} user ${owner} group ${group}
    ip -n pod link set ${tap} ${mac === null ? '' : `address ${mac}`}
    ip -n pod addr add ${tapV4}/24 dev ${tap}
    ip -n pod addr add ${tapV6}/64 dev ${tap} nodad
    ip -n pod link set ${tap} up`)
}

/** Devices as the runtime hands them to a pod (device_ownership_from_security_context). */
export async function giveDevices(/** @type {Guest} */ guest, /** @type {Node} */ { vfs }) {
  await guest.script(`
    chmod 666 /dev/net/tun
    chown ${podUid}:${podUid} /dev/vhost-net /dev/vfio/${vfs[0]?.vfioGroup}
    chmod 600 /dev/vhost-net /dev/vfio/${vfs[0]?.vfioGroup}`)
}

/**
 * The whole scenario, ready for a Spillway in the pod's namespace.
 *
 * @param {Guest} guest
 * @param {PodOptions} [options]
 * @returns {Promise<Node>}
 */
export async function makePod(guest, options = {}) {
  await loadModules(guest)
  const node = await makeVfs(guest, options)
  await makePeer(guest, node.vfs[1])
  await makePodNamespace(guest)
  await makeTap(guest)
  await giveDevices(guest, node)
  await copyCheckout(guest)
  return node
}

/** What the device plugin and the runtime put into the pod's environment. */
export function podEnvironment(/** @type {Node} */ { vfs }) {
  return { PCIDEVICE_OPENSHIFT_IO_DPDKNIC: vfs[0]?.pciAddress ?? '', RUNTIME_DIRECTORY: '/run/spillway' }
}
