import { type Problem, show } from './problems.js'
import type { Config } from './schema.js'
import { isForTap, reservedRuleNames } from './terms.js'

/** What no single setting can tell: contradictions between settings that are each fine. */
export function findContradictions(config: Config): Problem[] {
  return [
    ...portNames(config),
    ...portDevices(config),
    ...bonds(config),
    ...portTaps(config),
    ...portSockets(config),
    ...ruleNames(config),
    ...forwardingPairs(config),
    ...ethPeers(config),
    ...kernelWithoutBackend(config),
    ...limitsWithoutKernel(config),
    ...backoff(config),
  ]
}

function portNames({ ports }: Config): Problem[] {
  return ports.flatMap(({ name }, index) => {
    const first = ports.findIndex((port) => port.name === name)
    if (first === index) return []
    return [
      {
        path: ['ports', index, 'name'],
        message: `expected a unique name, found ${show(name)}, which is ports[${first}]'s`,
      },
    ]
  })
}

function portDevices({ ports }: Config): Problem[] {
  return ports.flatMap(({ device }, index) => {
    const first = ports.findIndex((port) => deviceName(port.device) === deviceName(device))
    if (device === 'auto' || first === index) return []
    return [
      {
        path: ['ports', index, 'device'],
        message: `expected a device of its own, found ${show(device)}, which is ports[${first}]'s`,
      },
    ]
  })
}

/** docs/layer2.md has the reasons. */
function bonds({ ports }: Config): Problem[] {
  return ports.flatMap(({ device }, index) =>
    /^(net_bonding|eth_bond)/.test(device)
      ? [
          {
            path: ['ports', index, 'device'],
            message:
              "expected a device and not a bond, since DPDK's does not fail over (docs/layer2.md): two ports, each with a tap, " +
              `and the pod's routing do; found ${show(device)}`,
          },
        ]
      : [],
  )
}

/** Devargs begin with the device's name; DPDK cannot have two of one name. */
function deviceName(devargs: string): string {
  return (devargs.split(',')[0] ?? '').toLowerCase()
}

function portSockets({ ports }: Config): Problem[] {
  return ports.flatMap(({ exception: { backend, socket } }, index) => {
    const path = ['ports', index, 'exception', 'socket']
    const first = ports.findIndex((port) => port.exception.socket === socket)
    if (backend === 'vhost-user' && socket === null)
      return [{ path, message: 'expected the path of the vhost-user socket, since exception.backend is vhost-user' }]
    if (backend !== 'vhost-user' && socket !== null)
      return [{ path, message: `expected null, since exception.backend is ${backend}, found ${show(socket)}` }]
    if (socket !== null && first !== index)
      return [{ path, message: `expected a socket of its own, found ${show(socket)}, which is ports[${first}]'s` }]
    return []
  })
}

function portTaps({ ports }: Config): Problem[] {
  return ports.flatMap(({ exception }, index) => {
    const first = ports.findIndex((port) => port.exception.tap === exception.tap && isForTap(port.exception.backend))
    if (exception.tap === 'auto' || !isForTap(exception.backend) || first === index) return []
    return [
      {
        path: ['ports', index, 'exception', 'tap'],
        message: `expected a tap of its own, found ${show(exception.tap)}, which is ports[${first}]'s`,
      },
    ]
  })
}

function ruleNames({ rules }: Config): Problem[] {
  return rules.flatMap(({ name }, index): Problem[] => {
    const path = ['rules', index, 'name']
    if (reservedRuleNames.includes(name)) {
      return [{ path, message: `expected a name that no built-in rule has, found ${show(name)}` }]
    }
    const first = rules.findIndex((rule) => rule.name === name)
    return first === index
      ? []
      : [{ path, message: `expected a unique name, found ${show(name)}, which is rules[${first}]'s` }]
  })
}

function forwardingPairs({ ports, forwarding }: Config): Problem[] {
  const known = ports.map((port) => port.name)
  const paired = new Set<string>()
  return forwarding.pairs.flatMap((pair, index) =>
    // A port paired with itself sends back what it receives, and is one end, not two.
    (pair[0] === pair[1] ? [pair[0]] : pair).flatMap((name, side): Problem[] => {
      const path = ['forwarding', 'pairs', index, side]
      if (ports.length > 0 && !known.includes(name)) return [notAPort(path, name, known)]
      if (paired.has(name))
        return [{ path, message: `expected each port in one pair, found ${show(name)} in another too` }]
      paired.add(name)
      return []
    }),
  )
}

function ethPeers({ ports, forwarding }: Config): Problem[] {
  const known = ports.map((port) => port.name)
  if (known.length === 0) return []
  return Object.keys(forwarding.ethPeer)
    .filter((name) => !known.includes(name))
    .map((name) => notAPort(['forwarding', 'ethPeer', name], name, known))
}

function notAPort(path: Problem['path'], name: string, known: readonly string[]): Problem {
  return { path, message: `expected the name of a port (${known.join(', ')}), found ${show(name)}` }
}

function kernelWithoutBackend({ ports, rules }: Config): Problem[] {
  if (ports.length === 0 || ports.some((port) => port.exception.backend !== 'none')) return []
  return rules.flatMap(({ to }, index) =>
    to === 'kernel'
      ? [
          {
            path: ['rules', index, 'to'],
            message: 'expected forward or drop, since exception.backend of every port is none, found "kernel"',
          },
        ]
      : [],
  )
}

function limitsWithoutKernel({ rules }: Config): Problem[] {
  return rules.flatMap(({ to, limit }, index) =>
    limit !== null && to !== 'kernel'
      ? [{ path: ['rules', index, 'limit'], message: `expected no limit on a rule to ${to}, found ${show(limit)}` }]
      : [],
  )
}

function backoff({ restart }: Config): Problem[] {
  if (restart.backoffInitialMs <= restart.backoffMaxMs) return []
  return [
    {
      path: ['restart', 'backoffInitialMs'],
      message: `expected at most restart.backoffMaxMs, ${restart.backoffMaxMs} ms, found ${restart.backoffInitialMs}`,
    },
  ]
}
