import type { ProbeKind } from './messages.js'

/*
 * How long each probe may take. All together stay below the time a person waits for `spillway doctor`; a call that is
 * late has hung, because none of these sleeps in a healthy kernel.
 */

/** A Node and its ffi binding: 0.15 s here, above 5 s on an emulated CPU beside a polling lcore or another Node. Waited for once. */
export const CHILD_START_DEADLINE_MS = 20_000

/** SIGKILL cannot be ignored; a child that is still there after this hangs in the kernel, and we do not wait. */
export const CHILD_KILL_DEADLINE_MS = 500

export type ProbeDeadlines = Readonly<Record<ProbeKind, number>>

export const probeDeadlines: ProbeDeadlines = {
  'vhost-net': 1_000,
  // The kernel takes the rtnetlink lock for TUNSETIFF, which a CNI may hold for a moment.
  tap: 2_000,
  // Clearing a page of 1 GiB takes 0.1 to 0.5 s.
  hugepage: 3_000,
  'hugetlb-mount': 1_000,
  mlock: 1_000,
  mempolicy: 1_000,
  'vfio-container': 1_000,
  // The first open of a group may reset its device.
  'vfio-group': 3_000,
}
