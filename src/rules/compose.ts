import type { NativeRule, TapAddresses } from '../ipc/messages.js'
import type { PlannedPort, RuleSet } from '../plan/types.js'

/** As much of a plan as decides the rule list. */
export interface RulePlan extends RuleSet {
  readonly ports: readonly { readonly exception: Pick<PlannedPort['exception'], 'backend'> }[]
}

/** Control protocols that a kernel next to a wire always wants. */
const builtins = {
  arp: 'arp',
  // Router and neighbour solicitation and advertisement, redirect.
  'ipv6-nd': 'icmp6 and ip6[40] >= 133 and ip6[40] <= 137',
  lldp: 'ether proto 0x88cc',
  'slow-protocols': 'ether proto 0x8809',
} as const

/** A fragment offset that is not 0; in IPv6 it is in the fragment header, here directly behind the IPv6 header. */
const laterFragments = ['ip[6:2] & 0x1fff != 0', 'ip6[6] == 44 and ip6[42:2] & 0xfff8 != 0']

/** Addresses tested by one expression: with the longest of IPv6 it stays far below the length that is refused. */
const addressesPerExpression = 32

/**
 * The list that lcores get, in the order of precedence: user rules, fragments, built-ins, `local`, default.
 * Built-ins and `local` are there when some port has a way to the kernel.
 *
 * @param addresses  of the taps and their children, as the worker found them
 */
export function composeRules(plan: RulePlan, addresses: readonly TapAddresses[]): NativeRule[] {
  const { builtins: wanted, builtinLimit, default: verdict } = plan.exceptionPath
  const kernelPath = plan.ports.some(({ exception }) => exception.backend !== 'none')
  return [
    ...userRules(plan),
    ...fragmentRule(plan),
    ...(wanted && kernelPath ? [...builtinRules(builtinLimit), ...localRule(addresses)] : []),
    { name: 'default', match: [], verdict, class: 'other', limit: null },
  ]
}

function userRules({ rules }: RulePlan): NativeRule[] {
  return rules.map(({ name, match, to, class: ruleClass, limit }) => ({
    name,
    match: [onOneLine(match)],
    verdict: to,
    class: ruleClass,
    limit,
  }))
}

/** White space says nothing in pcap-filter(7), and YAML folds long expressions over lines. */
function onOneLine(expression: string): string {
  return expression.trim().replace(/\s+/g, ' ')
}

/** Fragments after the first carry no ports, so no rule on ports can take them. */
function fragmentRule({ exceptionPath: { fragments } }: RulePlan): NativeRule[] {
  if (fragments === 'rules') return []
  const match = laterFragments.flatMap(behindVlans)
  return [{ name: 'fragments', match, verdict: fragments, class: 'other', limit: null }]
}

function builtinRules(limit: NativeRule['limit']): NativeRule[] {
  return Object.entries(builtins).map(([name, expression]) => ({
    name,
    match: behindVlans(expression),
    verdict: 'kernel',
    class: 'control',
    limit,
  }))
}

/** Without `ip` and `ip6` an address would also match where ARP speaks of it. */
function localRule(addresses: readonly TapAddresses[]): NativeRule[] {
  const own = [...new Set(addresses.flatMap((tap) => tap.addresses))].sort()
  if (own.length === 0) return []
  const tests = own.map((address) => `${address.includes(':') ? 'ip6' : 'ip'} dst host ${address}`)
  const match = inGroups(tests, addressesPerExpression).flatMap((group) => behindVlans(group.join(' or ')))
  return [{ name: 'local', match, verdict: 'kernel', class: 'local', limit: null }]
}

function inGroups<T>(items: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, index) =>
    items.slice(index * size, (index + 1) * size),
  )
}

/**
 * An expression also behind one and two VLAN tags. Three expressions and not one text: `vlan` shifts the offsets of
 * everything after it, so `(vlan and arp) or arp` does not match an untagged ARP.
 */
function behindVlans(expression: string): string[] {
  return [expression, `vlan and (${expression})`, `vlan and vlan and (${expression})`]
}
