import type { NeighbourLack } from '../ipc/messages.js'
import { findingMaker } from '../preflight/finding-maker.js'
import type { CodeDeclarations, Finding } from '../preflight/types.js'
import type { RunningCheck } from './types.js'

const codes = {
  'neighbour-missing': {
    levels: ['warning'],
    meaning:
      'nobody is at the vhost-user socket of a port: what is for the neighbour is dropped as neighbour_down, and it is waited for',
    remedyIn: 'the neighbour, pod spec (volume, fsGroup) or Spillway (exception.socket, exception.server)',
  },
} as const satisfies CodeDeclarations
const finding = findingMaker(codes)

export const neighbourCheck = {
  name: 'neighbour',
  codes,
  run({ planned: { name, exception }, missingNeighbour: lack }) {
    return lack === null ? [] : [finding('neighbour-missing', { subject: `port ${name}`, ...explain(lack, exception) })]
  },
} satisfies RunningCheck

type Words = readonly [found: string, cause: string, remedy: string]
interface Role {
  readonly socket: string
  readonly server: boolean
}

const otherRole =
  'where it is the neighbour that connects (in OVS type dpdkvhostuserclient), Spillway: exception.server: true'
const otherSocket = 'Spillway: exception.socket: the path of a vhost-user port'
const left = 'it ended, or was started again; packets that it had not taken are lost'

const asClient: Readonly<Record<string, Words>> = {
  ENOENT: [
    'no such socket',
    'the neighbour has not made it yet, or its folder is not mounted here',
    `start the neighbour (in OVS a port of type dpdkvhostuser), mount the folder of its socket into the pod; ${otherRole}`,
  ],
  ECONNREFUSED: [
    'a socket at which nobody listens',
    'who made it has ended',
    `start the neighbour again; ${otherRole}`,
  ],
  EACCES: [
    'a socket that this user may not connect to',
    'its mode, or that of a folder above it',
    'pod spec: fsGroup or supplementalGroups of a group that may write the socket; or the neighbour: another mode',
  ],
  ETIMEDOUT: [
    'a listener that does not answer',
    'the neighbour is stopped or hangs',
    'look at the neighbour, start it again',
  ],
  ECONNRESET: [
    'a listener that closes the connection at once',
    'the neighbour refuses us; its log says why',
    otherSocket,
  ],
  EPIPE: ['a listener that closes the connection at once', 'the neighbour refuses us; its log says why', otherSocket],
  EPROTO: ['a listener that does not speak vhost-user', 'the socket is of another program', otherSocket],
  ENOTCONN: ['that the neighbour has gone', left, 'none here: it is connected to when it is back'],
}

const asServer: Readonly<Record<string, Words>> = {
  ENOENT: [
    'no folder for the socket',
    'it is not mounted here',
    'pod spec: mount the folder that the neighbour looks in',
  ],
  EACCES: [
    'a folder that this user may not write',
    'its mode',
    'pod spec: fsGroup of a group that may write the folder',
  ],
  EROFS: ['a folder that is read-only', 'it was mounted so', 'pod spec: readOnly: false at the mount of that folder'],
  EADDRINUSE: [
    'a file or a listener in its place',
    'another program serves this socket',
    'end that program, or Spillway: another exception.socket',
  ],
  ENOTCONN: ['that the neighbour has gone', left, 'none here: its next connection is taken'],
}

function explain(
  { code, message }: NeighbourLack,
  { socket, server }: Role,
): Pick<Finding, 'needed' | 'found' | 'cause' | 'remedy'> {
  const needed = server
    ? `a neighbour that connects to the vhost-user socket ${socket}`
    : `a neighbour that listens at the vhost-user socket ${socket}`
  const [found, cause, remedy] = (server ? asServer : asClient)[code] ?? [
    message,
    "DPDK's driver could not make the port; its log lines say more",
    "see that the neighbour's kernel can map the memory of this pod, and that it has as many queues",
  ]
  return { needed, found: `${found} (${code})`, cause, remedy }
}
