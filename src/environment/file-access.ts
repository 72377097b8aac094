import type { FileOwner, ProcessEnvironment } from './types.js'

export type Who = Pick<ProcessEnvironment, 'uid' | 'gid' | 'groups' | 'capabilities' | 'userNamespace'>

/** What ids without a mapping look like in a user namespace. @see proc_sys_kernel(5), overflowuid */
const overflowId = 65_534

/**
 * Whether a process may do to a file what `wanted` says (4 read, 2 write, 1 search), by mode, owner, groups and
 * CAP_DAC_OVERRIDE. SELinux and the device cgroup may still refuse.
 *
 * @see path_resolution(7)
 */
export function mayAccess({ mode, uid, gid }: FileOwner, who: Who, wanted: number): boolean {
  if (who.capabilities.effective.includes('CAP_DAC_OVERRIDE') && !unmapped(uid, who)) return true
  const shift = who.uid === uid ? 6 : who.gid === gid || who.groups.includes(gid) ? 3 : 0
  return ((mode >> shift) & wanted) === wanted
}

/** A user namespace has no power over files of ids that it does not map. */
function unmapped(uid: number, who: Who): boolean {
  return who.userNamespace && uid === overflowId
}
