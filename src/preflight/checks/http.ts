import { isIP, isIPv4 } from 'node:net'
import { parseListen } from '../../config/listen.js'
import type { Environment } from '../../environment/types.js'
import { findingMaker } from '../finding-maker.js'
import type { Check, CodeDeclarations, Finding } from '../types.js'

const codes = {
  'http-in-use': {
    levels: ['error', 'warning'],
    meaning:
      'another program listens at http.listen, e.g. a Spillway in another container of the pod; a warning when it may listen for IPv6 alone',
    remedyIn: 'Spillway (http.listen) of one of them',
  },
  'http-ok': { levels: ['ok'], meaning: 'nobody listens at http.listen', remedyIn: '-' },
} as const satisfies CodeDeclarations
const finding = findingMaker(codes)

export const httpCheck = {
  name: 'http',
  title: 'Is the address for metrics and health free?',
  codes,
  run({ config: { http }, environment }): Finding[] {
    const held = holder(http.listen, environment)
    if (held !== null) return [inUse(http.listen, held)]
    return [finding('http-ok', { subject: `HTTP at ${http.listen}`, needed: 'an address for us', found: 'it is free' })]
  },
} satisfies Check

interface Holder {
  readonly address: string
  readonly level: 'error' | 'warning'
}

/** Who listens where we would; an error before what is in doubt. */
function holder(listen: string, { listening }: Environment): Holder | null {
  const wanted = parseListen(listen)
  if (wanted?.kind !== 'tcp' || wanted.port === 0) return null
  const holders = listening
    .filter(({ port }) => port === wanted.port)
    .flatMap(({ address }): Holder[] => {
      const level = clash(wanted.host, address)
      return level === null ? [] : [{ address, level }]
    })
  return holders.find(({ level }) => level === 'error') ?? holders[0] ?? null
}

/**
 * Whether two programs cannot listen at the same port of these addresses. Node's `::` takes IPv4 too; whether another
 * program's does, or a name stands for its family, is not to be seen.
 */
function clash(ours: string, theirs: string): Holder['level'] | null {
  const host = ours === 'localhost' ? '127.0.0.1' : ours
  if (host === theirs || host === '::') return 'error'
  const anywhere = theirs === '::' || theirs === '0.0.0.0'
  if (isIP(host) === 0) return anywhere ? 'warning' : null
  const sameFamily = isIPv4(host) === isIPv4(theirs)
  if (sameFamily) return anywhere || host === '0.0.0.0' ? 'error' : null
  return theirs === '::' ? 'warning' : null
}

function inUse(listen: string, { address, level }: Holder): Finding {
  const port = listen.slice(listen.lastIndexOf(':') + 1)
  const where = address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`
  const words = {
    subject: `HTTP at ${listen}`,
    needed: 'an address at which nobody listens yet',
    found: `a program of this network namespace listens at ${where}`,
    cause: 'another container of the pod, which shares its addresses, or an exec beside a running Spillway',
    remedy: 'Spillway: http.listen (SPILLWAY_HTTP_LISTEN) at another port in one of them; or end the other program',
  }
  return finding('http-in-use', words, level)
}
