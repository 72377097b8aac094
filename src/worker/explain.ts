import { type ErrorCode, SpillwayError } from '../errors.js'
import type { ErrorReport } from '../ipc/messages.js'
import type { Plan } from '../plan/types.js'
import type { NativeError } from './native.js'

interface Explanation {
  readonly code: ErrorCode
  readonly message: string
  readonly hint: string
}

const isNative = (error: unknown): error is NativeError =>
  error instanceof Error && 'errno' in error && 'call' in error && 'subject' in error

function explainTapLookup(error: NativeError): Explanation {
  const tap = error.subject
  switch (error.code) {
    case 'ENODEV':
      return {
        code: 'ERR_TAP_MISSING',
        message: `need the tap ${tap}, found ${error.detail}`,
        hint: `let the pod's tap plugin create it (a second NetworkAttachmentDefinition), or name another with ports[].exception.tap`,
      }
    case 'ERANGE':
      return {
        code: 'ERR_TAP_QUEUES',
        message: `tap ${tap}: ${error.detail}`,
        hint: `set "multiQueue": true in the tap's NetworkAttachmentDefinition, or ports[].exception.queues to 1`,
      }
    default:
      return {
        code: 'ERR_TAP_NOT_A_TAP',
        message: `need a tap named ${tap}, found that ${error.detail}`,
        hint: 'name the tap with ports[].exception.tap; a veth, dummy or tun cannot take its place',
      }
  }
}

function explainTapAttach(error: NativeError): Explanation {
  const tap = error.subject
  switch (error.code) {
    case 'EBUSY':
      return {
        code: 'ERR_TAP_BUSY',
        message: `need tap ${tap} for ourselves, found that another process holds it (${error.detail})`,
        hint: 'end the other process; a single-queue tap has room for one',
      }
    case 'EPERM':
      return {
        code: 'ERR_TAP_OWNER',
        message: `need tap ${tap} to be ours, found ${error.detail}`,
        hint: `set "owner" and "group" in the tap's NetworkAttachmentDefinition to the pod's runAsUser and runAsGroup`,
      }
    default:
      return {
        code: 'ERR_TAP_NOT_A_TAP',
        message: `need to attach to tap ${tap}, found ${error.detail}`,
        hint: 'see that the netdev is a tap and that its queue mode is what `ip -d link` shows',
      }
  }
}

function explainOpen(error: NativeError): Explanation {
  const mode = `${error.subject}: ${error.detail}`
  return error.subject === '/dev/vhost-net'
    ? {
        code: 'ERR_VHOST_NET',
        message: `need to open /dev/vhost-net for reading and writing, found ${mode}`,
        hint: 'set needVhostNet: true in the SriovNetworkNodePolicy, or ports[].exception.backend to tap',
      }
    : {
        code: 'ERR_TUN',
        message: `need to open /dev/net/tun for reading and writing, found ${mode}`,
        hint: 'give the pod the device (needVhostNet: true brings both), or set ports[].exception.backend to none',
      }
}

function explainMemory(error: NativeError, plan: Plan): Explanation {
  const { pageSize, mib } = plan.memory
  return pageSize === 'none'
    ? {
        code: 'ERR_MEMORY',
        message: `need ${mib} MiB of memory for ${error.subject}, found ${error.detail}`,
        hint: "raise memory.mib, or lower memory.mbufs, where the pod's memory limit leaves room for it",
      }
    : {
        code: 'ERR_HUGEPAGES',
        message: `need ${mib} MiB of ${pageSize} hugepages, found ${error.detail}`,
        hint: `raise hugepages-${pageSize} in the pod's limits, or set memory.pageSize to none`,
      }
}

function explainDevice(error: NativeError): Explanation {
  return {
    code: 'ERR_DEVICE',
    message: `need the device of ${error.subject} to work, found ${error.call}: ${error.detail}`,
    hint: 'see that the device exists, is bound to a driver DPDK can use, and that ports[].device, queues and mtu fit it',
  }
}

/** EAL says EFAULT when no bus knows a driver of that name. */
function explainUnknownDevice(error: NativeError): Explanation {
  return {
    code: 'ERR_DEVICE',
    message: `need a driver for the device ${error.subject}, found none of that name in this DPDK (${error.detail})`,
    hint: 'ports[].device is a PCI address such as "0000:3b:02.1", or a vdev such as net_af_packet0,iface=eth1',
  }
}

function explainCapture(error: NativeError): Explanation {
  if (error.code === 'EBUSY') {
    return { code: 'ERR_BUSY', message: 'another capture is under way', hint: 'end it, or wait until it ends' }
  }
  return {
    code: 'ERR_CONTROL',
    message: `need memory and a socket for the capture, found ${error.detail}`,
    hint: 'take a smaller --snaplen, or raise memory.mib',
  }
}

function explain(error: NativeError, plan: Plan): Explanation | undefined {
  switch (error.call) {
    case 'tap_lookup':
      return explainTapLookup(error)
    case 'TUNSETIFF':
      return explainTapAttach(error)
    case 'dp_capture_start':
      return explainCapture(error)
    case 'dp_virtio_check_queues':
      return {
        code: 'ERR_TAP_QUEUES',
        message: `exception path at ${error.subject}: ${error.detail}`,
        hint: 'set ports[].exception.queues to at most 8, or, where a tap is there, ports[].exception.backend to tap',
      }
    case 'open':
      return explainOpen(error)
    case 'rte_pktmbuf_pool_create':
      return explainMemory(error, plan)
    case 'TUNSETVNETHDRSZ':
    case 'TUNSETOFFLOAD':
    case 'TUNSETSNDBUF':
    case 'SIOCSIFHWADDR':
      return {
        code: 'ERR_TUN',
        message: `need to set up tap ${error.subject}, found ${error.call}: ${error.detail}`,
        hint: 'the kernel must be 4.x or newer and the tap one that we may attach to; see dmesg for what it refused',
      }
    case 'malloc':
    case 'pthread_create':
    case 'rte_ring_create':
    case 'rte_mbuf_dynfield_register':
    case 'rte_mbuf_dynflag_register':
    case 'mmap':
    case 'fstat':
      return {
        code: 'ERR_MEMORY',
        message: `need memory and threads for ${error.subject}, found ${error.call}: ${error.detail}`,
        hint: "raise the pod's memory limit and its limit of processes (pids), or use fewer lcores and queues",
      }
    case 'eventfd':
      return {
        code: 'ERR_MEMORY',
        message: `need a descriptor for the neighbour of port ${error.subject}, found ${error.detail}`,
        hint: "raise the container's limit of open files",
      }
    case 'socket':
      return {
        code: 'ERR_TUN',
        message: `need an rtnetlink socket to follow the tap's addresses, found ${error.detail}`,
        hint: 'let the seccomp profile allow AF_NETLINK sockets',
      }
    case 'rte_eal_init':
      return error.code === 'ENOMEM' || error.code === 'EACCES'
        ? explainMemory(error, plan)
        : {
            code: 'ERR_EAL',
            message: `need EAL to start with ${plan.ealArgs.join(' ')}, found ${error.detail}`,
            hint: "EAL's own log lines before this one name the cause",
          }
    case 'rte_dev_probe':
      if (error.code === 'EFAULT' || error.code === 'EINVAL') return explainUnknownDevice(error)
      return explainDevice(error)
    case 'rte_eth_dev_info_get':
    case 'rte_eth_dev_configure':
    case 'rte_eth_rx_queue_setup':
    case 'rte_eth_tx_queue_setup':
    case 'rte_eth_dev_set_mtu':
    case 'rte_eth_dev_get_mtu':
    case 'rte_eth_macaddr_get':
    case 'rte_eth_dev_adjust_nb_rx_tx_desc':
    case 'rte_eth_dev_start':
    case 'rte_eth_dev_reset':
      return explainDevice(error)
    case 'pcap_compile':
      return {
        code: 'ERR_RULE',
        message: `rule "${error.subject}": ${error.detail}`,
        hint: 'rules are pcap-filter(7) expressions, as tcpdump takes them',
      }
    default:
      return undefined
  }
}

/** An error as the supervisor gets it: named, with what was needed, found and to do when native code told the cause. */
export function reportError(error: unknown, plan: Plan): ErrorReport {
  if (!isNative(error)) {
    const code = error instanceof SpillwayError ? error.code : 'ERR_INTERNAL'
    return { code, message: error instanceof Error ? error.message : String(error) }
  }
  const { errno, call, subject } = error
  const explanation = explain(error, plan) ?? { code: 'ERR_WORKER', message: error.message }
  return { ...explanation, errno, call, subject }
}
