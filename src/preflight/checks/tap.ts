import type { Environment, Netdev, ProcessEnvironment } from '../../environment/types.js'
import { findingMaker } from '../finding-maker.js'
import type { Check, CheckInput, CodeDeclarations, Finding } from '../types.js'
import { describeProcess, inGroup } from './access.js'
import { wordsFor } from './surroundings.js'
import { makeTapAnew } from './tap-by-hand.js'
import { type WantedTap, wantedTaps } from './wanted-taps.js'

const codes = {
  'tap-owner': {
    levels: ['error'],
    meaning: 'the tap belongs to another user; DPDK reports EINVAL, since its second try hides EPERM',
    remedyIn: 'NetworkAttachmentDefinition (owner)',
  },
  'tap-group': {
    levels: ['error'],
    meaning: 'the tap has a group that this process is not in; owner and group must both fit',
    remedyIn: 'NetworkAttachmentDefinition (group) or pod spec (runAsGroup)',
  },
  'tap-queues': {
    levels: ['error'],
    meaning: 'more than one queue was asked for on a tap made without multi_queue',
    remedyIn: 'NetworkAttachmentDefinition (multiQueue) or Spillway (ports[].exception.queues)',
  },
  'tap-in-use': {
    levels: ['warning', 'error'],
    meaning:
      'a program is attached to the tap: a multi-queue tap would be shared, and a single-queue tap has room for one, so that is an error',
    remedyIn: 'the other program',
  },
  'tap-ok': { levels: ['ok'], meaning: 'the tap can be attached to', remedyIn: '-' },
} as const satisfies CodeDeclarations
const finding = findingMaker(codes)

export const tapCheck = {
  name: 'tap',
  title: 'Can the taps be attached to?',
  codes,
  covers: ['ERR_TAP_OWNER', 'ERR_TAP_QUEUES'],
  run(input) {
    const found = wantedTaps(input).flatMap((wanted) =>
      wanted.netdev === undefined ? [] : judge(wanted, wanted.netdev, input),
    )
    return found.length > 0 ? found : [finding('tap-ok', { subject: 'taps', needed: 'taps of ours', found: 'no tap' })]
  },
} satisfies Check

/** What a rootless process needs to attach, rule by rule as the kernel asks (tun_not_capable). */
function judge(wanted: WantedTap, netdev: Netdev, { environment }: CheckInput): Finding[] {
  if (netdev.kind !== 'tap') return netdev.kind === 'unknown' ? [unknown(wanted, netdev)] : []
  const found = [
    owner(wanted, netdev, environment),
    group(wanted, netdev, environment),
    queues(wanted, netdev, environment),
    inUse(wanted, netdev),
  ].filter((finding) => finding !== null)
  return found.length > 0 ? found : [fits(wanted, netdev)]
}

/** CAP_NET_ADMIN opens any tap. */
function mayOpenAny({ capabilities }: ProcessEnvironment): boolean {
  return capabilities.effective.includes('CAP_NET_ADMIN')
}

function owner({ port }: WantedTap, { name, tap }: Netdev, environment: Environment): Finding | null {
  const { process } = environment
  if (tap === null || tap.owner === null || tap.owner === process.uid || mayOpenAny(process)) return null
  return finding('tap-owner', {
    subject: `tap ${name}`,
    needed: `a tap that uid ${process.uid} may attach to, for port ${port.name}`,
    found: `owner ${tap.owner}; this process is ${describeProcess(process)}`,
    ...wordsFor(environment, {
      pod: {
        cause: "the NetworkAttachmentDefinition's owner is not this container's runAsUser",
        remedy: `NetworkAttachmentDefinition of ${name}: "owner": ${process.uid} at the tap plugin, or no owner at all; or pod spec: securityContext.runAsUser: ${tap.owner}`,
      },
      host: {
        cause: 'it was made for another user',
        remedy: `${makeTapAnew(name, process, tap.multiQueue)}; or run Spillway as uid ${tap.owner}`,
      },
    }),
  })
}

function group({ port }: WantedTap, { name, tap }: Netdev, environment: Environment): Finding | null {
  const { process } = environment
  if (tap === null || tap.group === null || inGroup(tap.group, process) || mayOpenAny(process)) return null
  return finding('tap-group', {
    subject: `tap ${name}`,
    needed: `a tap whose group this process is in, for port ${port.name}`,
    found: `group ${tap.group}, owner ${tap.owner ?? 'anybody'}; this process is ${describeProcess(process)}`,
    cause: 'the kernel wants owner and group to fit, not one of them',
    remedy: wordsFor(environment, {
      pod: `NetworkAttachmentDefinition of ${name}: "group": ${process.gid} at the tap plugin, or no group at all; or pod spec: spec.securityContext.supplementalGroups: [${tap.group}]`,
      container: `${makeTapAnew(name, process, tap.multiQueue)}; or container: --group-add ${tap.group}`,
      host: `${makeTapAnew(name, process, tap.multiQueue)}; or run Spillway in group ${tap.group}`,
    }),
  })
}

function queues({ port, configured }: WantedTap, { name, tap }: Netdev, environment: Environment): Finding | null {
  const wanted = Math.max(
    port.exception.queues,
    typeof configured?.exception.queues === 'number' ? configured.exception.queues : 1,
  )
  if (tap === null || tap.multiQueue || wanted <= 1) return null
  return finding('tap-queues', {
    subject: `tap ${name}`,
    needed: `${wanted} queues, for port ${port.name}`,
    found: 'a tap with a single queue (tun_flags without MULTI_QUEUE)',
    cause: 'it was made without multi_queue, and that cannot be changed later',
    remedy: `${wordsFor(environment, {
      pod: `NetworkAttachmentDefinition of ${name}: "multiQueue": true at the tap plugin`,
      host: makeTapAnew(name, environment.process, true),
    })}; or Spillway: ports[].exception.queues: 1`,
  })
}

function inUse({ port }: WantedTap, { name, tap, carrier }: Netdev): Finding | null {
  if (carrier !== true) return null
  const words = {
    subject: `tap ${name}`,
    needed: `the tap for ourselves, for port ${port.name}`,
    found: `it has a carrier, so a program is attached to it${tap?.multiQueue ? ' (multi-queue: both would get a share of the packets)' : ' (single queue: attaching gives EBUSY)'}`,
    cause: 'a running Spillway or testpmd of this pod, or one that an exec left behind',
    remedy: 'end the other program; if it is the Spillway of this pod, all is well',
  }
  return finding('tap-in-use', words, tap?.multiQueue === false ? 'error' : 'warning')
}

function unknown({ port }: WantedTap, { name }: Netdev): Finding {
  return finding('tap-ok', {
    subject: `tap ${name}`,
    needed: `a tap, for port ${port.name}`,
    found: 'a netdev of that name; sysfs belongs to another network namespace and says no more',
  })
}

function fits({ port }: WantedTap, { name, tap }: Netdev): Finding {
  const of = tap === null ? '' : `, owner ${tap.owner ?? 'anybody'}, group ${tap.group ?? 'any'}`
  return finding('tap-ok', {
    subject: `tap ${name}`,
    needed: `a tap of ours with ${port.exception.queues} queue${port.exception.queues === 1 ? '' : 's'}, for port ${port.name}`,
    found: `a ${tap?.multiQueue ? 'multi-queue' : 'single-queue'} tap${of}`,
  })
}
