import type { FileOwner, ProcessEnvironment } from '../../environment/types.js'

/** Which of the three rights of a mode counts for this process, and whether it lets read and write. */
export function accessOf(
  { mode, uid, gid }: FileOwner,
  process: ProcessEnvironment,
): { class: 'owner' | 'group' | 'others'; allowed: boolean } {
  const capable = process.capabilities.effective.includes('CAP_DAC_OVERRIDE')
  const rights = (shift: number) => capable || ((mode >> shift) & 0o6) === 0o6
  if (uid === process.uid) return { class: 'owner', allowed: rights(6) }
  if (inGroup(gid, process)) return { class: 'group', allowed: rights(3) }
  return { class: 'others', allowed: rights(0) }
}

export function inGroup(gid: number, process: ProcessEnvironment): boolean {
  return process.gid === gid || process.groups.includes(gid)
}

/** `uid 1001, gid 1001, groups 2001` */
export function describeProcess({ uid, gid, groups }: ProcessEnvironment): string {
  const others = groups.filter((group) => group !== gid)
  return `uid ${uid}, gid ${gid}, ${others.length === 0 ? 'no other group' : `groups ${others.join(', ')}`}`
}

/** `0660 0:801` */
export function describeOwner(owner: FileOwner | null): string {
  if (owner === null) return 'of unknown owner'
  return `${owner.mode.toString(8).padStart(4, '0')} ${owner.uid}:${owner.gid}`
}

/** The lines of a pod spec that give the rights of a group; null when the group has none, or is root's. */
export function groupRemedy(path: string, { mode, gid }: FileOwner): string | null {
  if (gid === 0 || ((mode >> 3) & 0o6) !== 0o6) return null
  return `pod spec: spec.securityContext.supplementalGroups: [${gid}] (the group of ${path} on this node)`
}

/** What gives a device node to runAsUser whatever its mode on the node. */
export const deviceOwnership =
  'node: device_ownership_from_security_context = true in the CRI-O or containerd configuration, which gives devices to runAsUser'
