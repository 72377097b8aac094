import type { Netdev } from '../../environment/types.js'
import { findingMaker } from '../finding-maker.js'
import { answersOf, type ProbeCheck, refusalText } from '../probe-check.js'
import type { Refusal, RequestOf } from '../probes/messages.js'
import type { CheckInput, CodeDeclarations, Finding, Level } from '../types.js'
import { wordsFor } from './surroundings.js'
import { makeTapAnew } from './tap-by-hand.js'

const codes = {
  'probe-tap-refused': {
    levels: ['error', 'warning'],
    meaning: 'the tap cannot be attached to; a warning when sysfs does not show what it is',
    remedyIn: 'NetworkAttachmentDefinition',
    repeats: ['tap-owner', 'tap-group', 'tap-queues', 'tap-missing', 'tap-not-a-tap'],
  },
  'probe-tap-selinux': {
    levels: ['error', 'warning'],
    meaning: 'SELinux refuses the tap; a warning when sysfs does not show what it is',
    remedyIn: 'NetworkAttachmentDefinition, node',
  },
  'probe-tap-queues': {
    levels: ['error'],
    meaning: 'the tap took fewer queues than planned',
    remedyIn: 'NetworkAttachmentDefinition',
    repeats: ['tap-queues'],
  },
  'probe-tap-in-use': {
    levels: ['note'],
    meaning: 'a program holds the tap, so nothing was tried',
    remedyIn: '–',
  },
  'probe-tap-down': {
    levels: ['note'],
    meaning: 'the tap is down, so nothing was tried: whether somebody holds it cannot be seen',
    remedyIn: 'NetworkAttachmentDefinition',
  },
  'probe-tap-ok': { levels: ['ok'], meaning: 'the tap was attached with all planned queues', remedyIn: '–' },
} as const satisfies CodeDeclarations
const finding = findingMaker(codes)

export const probeTap: ProbeCheck = {
  name: 'probe-tap',
  title: 'whether the tap can be attached to',
  codes,
  run: (outcomes, input) =>
    answersOf(outcomes, 'tap').map(({ request, answer }) => {
      const subject = `tap ${request.tap}`
      const needed = `to attach with ${queuesText(request.queues)}`
      if (answer.state === 'held' || isTaken(answer.refusal)) return inUse(subject, needed)
      if (answer.state === 'down') return down(request.tap, needed)
      if (answer.refusal !== null) return refused(request, needed, answer.refusal, input)
      return finding('probe-tap-ok', {
        subject,
        needed,
        found: `attached ${queuesText(answer.attached)}${answer.multiQueue ? ' of a multi-queue tap' : ''}, and let go`,
      })
    }),
}

function queuesText(queues: number): string {
  return queues === 1 ? '1 queue' : `${queues} queues`
}

/** By another program: a tap made for one queue refuses our second one with the same error, because of our first. */
function isTaken(refusal: Refusal | null): boolean {
  return refusal !== null && refusal.error === 'EBUSY' && !isLaterQueue(refusal)
}

function isLaterQueue({ call }: Refusal): boolean {
  return / of queue /.test(call)
}

function inUse(subject: string, needed: string): Finding {
  const found = 'a program is attached to it'
  const cause = 'a data plane that runs, or a program that was not ended'
  return finding('probe-tap-in-use', { subject, needed, found, cause })
}

function down(tap: string, needed: string): Finding {
  return finding('probe-tap-down', {
    subject: `tap ${tap}`,
    needed,
    found: 'it is down, so whether a program holds it cannot be seen, and nothing was tried',
    cause: 'the tap plugin sets it up; somebody set it down since',
    remedy: `ip link set ${tap} up, which needs NET_ADMIN, or a new pod`,
  })
}

function refused(request: RequestOf<'tap'>, needed: string, refusal: Refusal, input: CheckInput): Finding {
  const netdev = input.environment.netdevs.find(({ name }) => name === request.tap)
  const code = codeOf(refusal)
  return finding(
    code,
    { subject: `tap ${request.tap}`, needed, found: foundText(refusal, netdev), ...storyOf(refusal, request, input) },
    levelOf(code, netdev),
  )
}

function codeOf(refusal: Refusal): keyof typeof codes {
  if (refusal.error === 'EACCES') return 'probe-tap-selinux'
  return isLaterQueue(refusal) ? 'probe-tap-queues' : 'probe-tap-refused'
}

/** The worker asks rtnetlink and tells it better; until then it is not sure that this is the tap's fault. */
function levelOf(code: keyof typeof codes, netdev: Netdev | undefined): Level {
  return code !== 'probe-tap-queues' && netdev?.kind === 'unknown' ? 'warning' : 'error'
}

function foundText(refusal: Refusal, netdev: Netdev | undefined): string {
  const owner = netdev?.tap
    ? `; owner ${idText('uid', netdev.tap.owner)}, group ${idText('gid', netdev.tap.group)}`
    : ''
  return refusalText(refusal) + owner
}

function idText(kind: 'uid' | 'gid', id: number | null): string {
  return id === null ? 'anybody' : `${kind} ${id}`
}

function storyOf(refusal: Refusal, { tap, queues, multiQueue }: RequestOf<'tap'>, { environment }: CheckInput) {
  const { process } = environment
  const { uid, gid } = process
  switch (refusal.error) {
    case 'EPERM':
      return {
        cause: `the tap belongs to somebody else; we are uid ${uid}, gid ${gid}, without NET_ADMIN`,
        remedy: wordsFor(environment, {
          pod: `"owner": ${uid}, "group": ${gid} in the tap's NetworkAttachmentDefinition, or neither`,
          host: makeTapAnew(tap, process, multiQueue ?? queues > 1),
        }),
      }
    case 'EACCES':
      return {
        cause: 'SELinux: the tap has not the label of containers (AVC denied { relabelfrom }, tclass=tun_socket)',
        remedy: `${wordsFor(environment, {
          pod: `"selinuxContext": "system_u:system_r:container_t:s0" in the tap's NetworkAttachmentDefinition, and setsebool container_use_devices=on on the node`,
          host: 'make the tap with the label of this process (runcon)',
        })}; the node's log has the denial: ausearch -m avc -ts today | grep tun_socket`,
      }
    case 'EBUSY':
    case 'EINVAL':
      return {
        cause: 'it is no tap, or it was made for one queue and is asked for several, or the reverse',
        remedy: `${wordsFor(environment, {
          pod: `"multiQueue": ${queues > 1} in the tap's NetworkAttachmentDefinition`,
          host: makeTapAnew(tap, process, queues > 1),
        })}, or another ports[].exception.tap`,
      }
    case 'ENODEV':
      return {
        cause: 'the tap went away after it was found',
        remedy: wordsFor(environment, {
          pod: 'see which program or CNI deletes it; the pod has to be made again',
          host: `see which program deletes it; ${makeTapAnew(tap, process, multiQueue ?? queues > 1)}`,
        }),
      }
    default:
      return { cause: 'the kernel refused it', remedy: 'look at the kernel log of the node (dmesg)' }
  }
}
