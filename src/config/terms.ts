import { z } from 'zod'

/** Forwarding modes, with testpmd's names and meaning. */
export const forwardingModes = ['io', 'mac', 'macswap', 'rxonly', 'txonly', 'icmpecho'] as const
export type ForwardingMode = (typeof forwardingModes)[number]

export const macAddress = z
  .string()
  .regex(/^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/i, 'a MAC address like 50:00:00:00:00:01')
  // YAML 1.1 (Kubernetes) takes 50:00:00:00:00:01 for a number to the base of 60, so what arrives may be 38880000001.
  .meta({ expected: 'a MAC address in quotes, such as "50:00:00:00:00:01"' })

/** A token bucket: `pps` tokens a second, at most `burst` at once. */
export const limitSchema = z.strictObject({
  pps: z.int().min(1).max(200_000_000).meta({ description: 'Packets a second.', unit: 'packets/s' }),
  burst: z.int().min(1).max(1_048_576).meta({ description: 'Packets that may pass at once.', unit: 'packets' }),
})
export type Limit = z.infer<typeof limitSchema>

/** Page sizes by their Kubernetes names. */
export const hugepageSizes = ['2Mi', '512Mi', '1Gi'] as const
export type HugepageSize = (typeof hugepageSizes)[number]

/** Rule names that belong to Spillway: the built-in rules and the ends of the rule list. */
export const reservedRuleNames: readonly string[] = [
  'arp',
  'ipv6-nd',
  'lldp',
  'slow-protocols',
  'local',
  'default',
  'fragments',
]

/** Whether a port with this backend ends at a tap; `auto` may. */
export function isForTap(backend: 'auto' | 'vhost-net' | 'tap' | 'vhost-user' | 'none'): boolean {
  return backend !== 'none' && backend !== 'vhost-user'
}
