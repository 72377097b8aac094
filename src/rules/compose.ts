import type { NativeRule, TapAddresses } from '../ipc/messages.js'
import type { Plan } from '../plan/types.js'

/** Control protocols that a kernel next to a wire always wants. */
const builtins = {
  arp: 'arp',
  // Router and neighbour solicitation and advertisement, redirect.
  'ipv6-nd': 'icmp6 and ip6[40] >= 133 and ip6[40] <= 137',
  lldp: 'ether proto 0x88cc',
  'slow-protocols': 'ether proto 0x8809',
} as const

const fragmentsV4 = 'ip[6:2] & 0x1fff != 0'
const fragmentsV6 = 'ip6[6] == 44 and ip6[42:2] & 0xfff8 != 0'

/**
 * An expression also behind one and two VLAN tags. Three expressions and not one text: `vlan` shifts the offsets of
 * everything after it, so `(vlan and arp) or arp` does not match an untagged ARP.
 */
function behindVlans(expression: string): string[] {
  return [expression, `vlan and (${expression})`, `vlan and vlan and (${expression})`]
}

/**
 * The list that lcores get, in the order of precedence: user rules, fragments, built-ins, `local`, default.
 * Built-ins and `local` are there when some port has a way to the kernel.
 *
 * @param addresses  of the taps and their children, as the worker found them
 */
export function composeRules(plan: Plan, addresses: readonly TapAddresses[]): NativeRule[] {
  const { builtins: wanted, default: verdict } = plan.exceptionPath
  const kernelPath = plan.ports.some(({ exception }) => exception.backend !== 'none')
  return [
    ...userRules(plan),
    ...fragmentRule(plan),
    ...(wanted && kernelPath ? [...builtinRules(), ...localRule(addresses)] : []),
    { name: 'default', match: [], verdict, class: 'other', limit: null },
  ]
}

function userRules({ rules }: Plan): NativeRule[] {
  return rules.map(({ name, match, to, class: ruleClass, limit }) => ({
    name,
    match: [match],
    verdict: to,
    class: ruleClass,
    limit,
  }))
}

/** Non-first fragments carry no ports, so no rule on ports can take them. */
function fragmentRule({ exceptionPath: { fragments } }: Plan): NativeRule[] {
  if (fragments === 'rules') return []
  return [
    {
      name: 'fragments',
      match: [...behindVlans(fragmentsV4), ...behindVlans(fragmentsV6)],
      verdict: fragments,
      class: 'other',
      limit: null,
    },
  ]
}

function builtinRules(): NativeRule[] {
  return Object.entries(builtins).map(([name, expression]) => ({
    name,
    match: behindVlans(expression),
    verdict: 'kernel',
    class: 'control',
    limit: null,
  }))
}

/** Without `ip` and `ip6` an address would also match where ARP speaks of it. */
function localRule(addresses: readonly TapAddresses[]): NativeRule[] {
  const own = [...new Set(addresses.flatMap((tap) => tap.addresses))].sort()
  if (own.length === 0) return []
  const tests = own.map((address) => `${address.includes(':') ? 'ip6' : 'ip'} dst host ${address}`)
  return [{ name: 'local', match: behindVlans(tests.join(' or ')), verdict: 'kernel', class: 'local', limit: null }]
}
