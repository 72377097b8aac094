import { findingMaker } from '../finding-maker.js'
import type { Check, CheckInput, CodeDeclarations } from '../types.js'
import { describeOwner, describeProcess } from './access.js'
import { wantedTaps } from './wanted-taps.js'

const codes = {
  'tun-missing': {
    levels: ['error', 'warning'],
    meaning: 'the container has no /dev/net/tun, which both ways to a tap need',
    remedyIn: 'SriovNetworkNodePolicy (needVhostNet brings it)',
  },
  'tun-refused': {
    levels: ['error', 'warning'],
    meaning: '/dev/net/tun cannot be opened',
    remedyIn: 'node (mode 0666) or SriovNetworkNodePolicy (needVhostNet)',
  },
  'tun-ok': { levels: ['ok'], meaning: '/dev/net/tun can be opened, or no port needs it', remedyIn: '-' },
} as const satisfies CodeDeclarations
const finding = findingMaker(codes)

export const tunCheck = {
  name: 'tun',
  title: 'Can taps be opened?',
  codes,
  covers: ['ERR_TUN'],
  run(input) {
    const { tun } = input.environment.devices
    const { process } = input.environment
    const subject = tun.path
    const needing = portsThatNeedIt(input)
    const needed =
      needing.length === 0 ? 'nothing: no port has a tap' : `read and write, for the taps of ${needing.join(', ')}`
    if (tun.state === 'usable') return [finding('tun-ok', { subject, needed, found: 'it can be opened' })]
    if (needing.length === 0)
      return [finding('tun-ok', { subject, needed, found: `not needed, and it cannot be opened (${tun.error})` })]
    const level = insisted(input) ? 'error' : 'warning'
    if (tun.state === 'missing')
      return [
        finding(
          'tun-missing',
          { subject, needed, found: `no such device in this container (${tun.error})`, ...missing },
          level,
        ),
      ]
    const found = `${describeOwner(tun.owner)}, opening gives ${tun.error}; this process is ${describeProcess(process)}`
    return [finding('tun-refused', { subject, needed, found, ...refused(tun.error) }, level)]
  },
} satisfies Check

const missing = {
  cause:
    'the device plugin brings /dev/net/tun together with /dev/vhost-net, and neither when one of them is missing on the node',
  remedy:
    'SriovNetworkNodePolicy: spec.needVhostNet: true (outside Kubernetes: --device /dev/net/tun); or Spillway: exception.backend: none',
}

function refused(error: string): { cause: string; remedy: string } {
  return error === 'EPERM'
    ? { cause: 'the device cgroup does not list it', remedy: 'SriovNetworkNodePolicy: spec.needVhostNet: true' }
    : {
        cause: 'its mode on the node is not the usual 0666, or SELinux refuses',
        remedy: 'node: chmod 0666 /dev/net/tun by a udev rule; setsebool container_use_devices=on',
      }
}

/** The taps that ports named, and those that are there to be found. */
function portsThatNeedIt(input: CheckInput): string[] {
  const found = input.environment.netdevs.some(({ kind }) => kind === 'tap')
  return wantedTaps(input)
    .filter(({ tap }) => tap !== null || found)
    .map(({ port }) => `port ${port.name}`)
}

/** Whether somebody asked for the kernel path, so that the plan cannot go without. */
function insisted(input: CheckInput): boolean {
  return input.problems.some(({ code }) => code === 'ERR_TUN')
}
