import { describe, expect, it } from 'vitest'
import { loadConfig } from '../../../src/config/load.js'
import { problems, set } from './fixtures.js'

describe('a setting that does not exist', () => {
  it.each([
    ['a slip', 'http: { lisen: x }', 'http.lisen: unknown setting with value "x", did you mean http.listen? (FILE:1)'],
    ['two letters swapped', 'brust: 64', 'brust: unknown setting with value 64, did you mean burst? (FILE:1)'],
    [
      'another case',
      'memory:\n  pagesize: 2Mi',
      'memory.pagesize: unknown setting with value "2Mi", did you mean memory.pageSize? (FILE:2)',
    ],
    ['the wrong section', 'listen: x', 'listen: unknown setting with value "x", did you mean http.listen? (FILE:1)'],
    [
      'nothing near',
      'watchdog: { timeout: 5 }',
      'watchdog.timeout: unknown setting with value 5, expected one of stallMs (FILE:1)',
    ],
    [
      'inside a list',
      'ports:\n  - name: a\n    devices: x',
      'ports[0].devices: unknown setting with value "x", did you mean ports[0].device? (FILE:3)',
    ],
    ["a prototype's name", '__proto__: { burst: 5 }', 'unknown setting'],
    ["an object method's name", 'http: { constructor: 5 }', 'http.constructor: unknown setting with value 5'],
    ['a merge key', '<<: { burst: 5 }', '["<<"]: unknown setting with value {"burst":5}'],
  ])('is named with the nearest that does: %s', (_, text, line) => {
    expect(problems(text)).toEqual([expect.stringContaining(line)])
  })

  it('is refused among the flags', () => {
    expect(problems('', { flags: [set('http.lisen', 'x')] })).toEqual([
      'http.lisen: unknown setting with value "x", did you mean http.listen? (--set)',
    ])
  })

  it('is refused among the variables', () => {
    expect(problems('', { env: { SPILLWAY_HTP_LISTEN: ':1' } })).toEqual([
      'SPILLWAY_HTP_LISTEN: unknown variable with value ":1", did you mean SPILLWAY_HTTP_LISTEN?',
    ])
  })

  it('is no path at all', () => {
    expect(problems('', { flags: [set('a b', 'x')] })).toEqual([
      '--set: expected path=value such as burst=64, found "a b"',
    ])
  })
})

describe('a value that cannot be', () => {
  it.each([
    ['burst: 300', 'burst: expected a whole number from 1 to 256 (packets), found 300 (FILE:1)'],
    ['burst: 3.5', 'burst: expected a whole number from 1 to 256 (packets), found 3.5 (FILE:1)'],
    ['burst: .inf', 'burst: expected a whole number from 1 to 256 (packets), found Infinity (FILE:1)'],
    ['burst: "32"', 'burst: expected a whole number from 1 to 256 (packets), found "32" (FILE:1)'],
    ['idle: rmap', 'idle: expected one of auto, poll, ramp, found "rmap", did you mean ramp? (FILE:1)'],
    ['lcores: 3', 'lcores: expected auto or a list of CPU ids in quotes, such as "2-5,8", found 3 (FILE:1)'],
    ['lcores: 5-2', 'lcores: expected auto or a list of CPU ids in quotes, such as "2-5,8", found "5-2" (FILE:1)'],
    ['http: 9464', 'http: expected settings (listen), found 9464 (FILE:1)'],
    ['http: { listen: "::9464" }', 'http.listen: expected host:port'],
    ['http: { listen: "a:70000" }', 'http.listen: expected host:port'],
    ['http: { listen: fd:2 }', 'http.listen: expected host:port'],
    ['exceptionPath: { builtins: yes }', 'exceptionPath.builtins: expected true or false, found "yes" (FILE:1)'],
    ['exceptionPath: { limit: 5 }', 'exceptionPath.limit: expected settings (pps, burst) or null, found 5 (FILE:1)'],
    [
      'watchdog: { stallMs: 50 }',
      'watchdog.stallMs: expected 0 or a whole number from 100 to 600000 (ms), found 50 (FILE:1)',
    ],
    [
      'memory: { mib: all }',
      'memory.mib: expected auto or a whole number from 16 to 1048576 (MiB), found "all" (FILE:1)',
    ],
    ['ports: {}', 'ports: expected a list of at most 16 ports, found {} (FILE:1)'],
    ['ports: [{ name: A }]', 'ports[0].name: expected a name of at most 31 of a-z 0-9 . _ -'],
    [
      'ports: [{ rxDescriptors: 500 }]',
      'ports[0].rxDescriptors: expected a multiple of 32 from 64 to 32768, found 500',
    ],
    [
      'ports: [{ device: "a b" }]',
      'ports[0].device: expected auto, a PCI address such as 0000:3b:02.4, or vdev devargs',
    ],
    [
      'ports: [{ exception: { queueSize: 1000 } }]',
      'expected a power of two from 64 to 32768 (descriptors), found 1000',
    ],
    ['ports: [{ exception: { tap: interface0123456 } }]', 'ports[0].exception.tap: expected auto or the name of a tap'],
    ['ports: [{ exception: { tap: ".." } }]', 'ports[0].exception.tap: expected auto or the name of a tap'],
    ...['a,b', 'a=b', 'a b', 'a\\tb', ' a', 'a:b', "a'b", 'a\\"b', 'a\\\\b'].map((tap): [string, string] => [
      `ports: [{ exception: { tap: "${tap}" } }]`,
      'ports[0].exception.tap: expected auto or the name of a tap',
    ]),
    ...['run/vu.sock', '/a,server=1', '/a b', `/${'a'.repeat(107)}`].map((path): [string, string] => [
      `ports: [{ exception: { backend: vhost-user, socket: "${path}" } }]`,
      'ports[0].exception.socket: expected an absolute path of at most 107',
    ]),
    ['vhostCpus: "3-1"', 'vhostCpus: expected auto or a list of CPU ids in quotes, such as "0,6", found "3-1"'],
    ['ports: [{ exception: { tap: "a/b" } }]', 'ports[0].exception.tap: expected auto or the name of a tap'],
    [
      'forwarding: { ethPeer: { vf0: 38880000001 } }',
      'expected a MAC address in quotes, such as "50:00:00:00:00:01", found 38880000001',
    ],
    ['forwarding: { ethPeer: { vf0: "50:00:00:00:00" } }', 'expected a MAC address in quotes'],
    ['forwarding: { ethPeer: { "A b": "50:00:00:00:00:01" } }', 'expected a port\'s name as key, found "A b"'],
    [
      'rules: [{ match: arp, to: drop }]',
      'rules[0].name: expected a name of at most 63 of a-z 0-9 . _ - that starts with a letter or digit, found nothing (FILE:1)',
    ],
    ['rules: [{ name: a, match: " ", to: drop }]', 'rules[0].match: expected a pcap-filter(7) expression'],
    [
      'rules: [{ name: a, match: arp, to: kernle }]',
      'rules[0].to: expected one of kernel, forward, drop, found "kernle", did you mean kernel?',
    ],
  ])('is refused with what was expected: %s', (text, line) => {
    expect(problems(text)).toEqual([expect.stringContaining(line)])
  })

  it('is said with the variable or flag it came from', () => {
    expect(problems('burst: 1', { env: { SPILLWAY_BURST: 'x' } })).toEqual([
      'burst: expected a whole number from 1 to 256 (packets), found "x" (env SPILLWAY_BURST)',
    ])
    expect(problems('burst: 1', { flags: [set('http.listen', 'x', '--http')] })).toEqual([
      expect.stringMatching(/\(--http\)$/),
    ])
  })

  it('is found in YAML text of a variable', () => {
    expect(problems('', { env: { SPILLWAY_PORTS: '[{' } })[0]).toMatch(
      /^ports: expected a list.*found "\[\{", not valid YAML: /,
    )
    expect(problems('', { env: { SPILLWAY_PORTS: '[{ queues: 0 }]' } })).toEqual([
      'ports[0].queues: expected auto or a whole number from 1 to 64, found 0 (env SPILLWAY_PORTS)',
    ])
  })

  it('is one line each, and never more than twenty and a count', () => {
    const ports = Array.from({ length: 15 }, () => '{ queues: 0, mtu: 0 }').join(', ')
    const lines = problems(`ports: [${ports}]`)
    expect(lines).toHaveLength(21)
    expect(lines.at(-1)).toBe('… and 10 more problems')
  })
})

describe('settings that contradict each other', () => {
  const two = 'ports: [{ name: a, device: net_null0 }, { name: b, device: net_null1 }]\n'
  it.each([
    [
      'ports: [{ name: a }, { name: a }]',
      `ports[1].name: expected a unique name, found "a", which is ports[0]'s (FILE:1)`,
    ],
    ['ports: [{ name: vf1 }, {}]', `ports[1].name: expected a unique name, found "vf1", which is ports[0]'s (FILE:1)`],
    [
      'ports: [{ device: "net_bonding0,mode=1,slave=0000:3b:02.1,slave=0000:3b:02.2" }]',
      "ports[0].device: expected a device and not a bond, since DPDK's does not fail over",
    ],
    ['ports: [{ device: "3B:02.1" }, { device: "3b:02.1,x=1" }]', 'ports[1].device: expected a device of its own'],
    [
      'ports: [{ exception: { tap: t } }, { exception: { tap: t } }]',
      'ports[1].exception.tap: expected a tap of its own',
    ],
    [
      'ports: [{ exception: { backend: vhost-user } }]',
      'ports[0].exception.socket: expected the path of the vhost-user socket, since exception.backend is vhost-user',
    ],
    [
      'ports: [{ exception: { backend: tap, socket: /run/vu } }]',
      'ports[0].exception.socket: expected null, since exception.backend is tap, found "/run/vu"',
    ],
    [
      'ports: [{ exception: { backend: vhost-user, socket: /a } }, { exception: { backend: vhost-user, socket: /a } }]',
      `ports[1].exception.socket: expected a socket of its own, found "/a", which is ports[0]'s`,
    ],
    [
      'rules: [{ name: arp, match: arp, to: drop }]',
      'rules[0].name: expected a name that no built-in rule has, found "arp" (FILE:1)',
    ],
    [
      'rules:\n- { name: a, match: arp, to: drop }\n- { name: a, match: ip, to: drop }',
      `rules[1].name: expected a unique name, found "a", which is rules[0]'s (FILE:3)`,
    ],
    [
      'rules: [{ name: a, match: arp, to: drop, limit: { pps: 1, burst: 1 } }]',
      'rules[0].limit: expected no limit on a rule to drop',
    ],
    [
      `${two}forwarding: { pairs: [[a, c]] }`,
      'forwarding.pairs[0][1]: expected the name of a port (a, b), found "c" (FILE:2)',
    ],
    [
      `${two}forwarding: { pairs: [[a, b], [b, b]] }`,
      'forwarding.pairs[1][0]: expected each port in one pair, found "b" in another too',
    ],
    [
      `${two}forwarding: { ethPeer: { c: "50:00:00:00:00:01" } }`,
      'forwarding.ethPeer.c: expected the name of a port (a, b), found "c" (FILE:2)',
    ],
    [
      'ports: [{ exception: { backend: none } }]\nrules: [{ name: a, match: arp, to: kernel }]',
      'rules[0].to: expected forward or drop, since exception.backend of every port is none, found "kernel" (FILE:2)',
    ],
    [
      'restart: { backoffInitialMs: 500, backoffMaxMs: 100 }',
      'restart.backoffInitialMs: expected at most restart.backoffMaxMs, 100 ms, found 500',
    ],
  ])('are refused: %s', (text, line) => {
    expect(problems(text)).toEqual([expect.stringContaining(line)])
  })
})

describe('a file', () => {
  it('that is named and not there is refused', () => {
    expect(() => loadConfig({ file: '/nonexistent/spillway.yaml' })).toThrow(
      '/nonexistent/spillway.yaml: cannot be read: ENOENT',
    )
  })

  it('that is a folder is refused', () => {
    expect(() => loadConfig({ file: '/' })).toThrow('/: cannot be read: EISDIR')
  })

  it('that never ends is refused', () => {
    expect(() => loadConfig({ file: '/dev/zero' })).toThrow('/dev/zero: expected at most 1 MiB of YAML, found more')
  })

  it.each([
    ['a list', '- burst: 5', 'FILE: expected settings such as `burst: 32`, found [{"burst":5}]'],
    ['a word', 'burst', 'FILE: expected settings such as `burst: 32`, found "burst"'],
    ['a repeated key', 'burst: 1\nburst: 2', 'FILE: not valid YAML: line 2, column 1: Map keys must be unique'],
    ['two documents', 'burst: 1\n---\nburst: 2', 'FILE: not valid YAML: line 2'],
    [
      'an alias inside its own anchor',
      'rules: &a\n  - *a',
      'FILE: not valid YAML: an alias stands inside what it refers',
    ],
    ['a merge key with its own map', '&a\n<<: *a', 'FILE: not valid YAML: an alias stands inside what it refers to'],
    ['an open bracket', 'ports: [', 'FILE: not valid YAML: line 1'],
    ['a tag', 'burst: !!js/function x', 'FILE: not valid YAML: line 1, column 8: Unresolved tag'],
    [
      'an alias bomb',
      'a: &a [1,1,1,1,1,1,1,1,1]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b]\nd: [*c,*c,*c,*c,*c,*c]',
      'Excessive alias count',
    ],
    ['brackets without end', '['.repeat(1_000_000), 'nested deeper than 64 levels'],
    ['dashes without end', '- '.repeat(500_000), 'nested deeper than 64 levels'],
    ['keys without end', '? '.repeat(500_000), 'nested deeper than 64 levels'],
    [
      'a hundred thousand keys',
      Array.from({ length: 90_000 }, (_, i) => `k${i}: 1`).join('\n'),
      'more than 50000 words and marks',
    ],
  ])('with %s is refused', (_, text, line) => {
    expect(problems(text)).toEqual([expect.stringContaining(line)])
  })

  it('of more than a megabyte is refused', () => {
    expect(problems(`# ${'x'.repeat(1024 * 1024)}`)).toEqual(['FILE: expected at most 1 MiB of YAML, found more'])
  })

  it('of other bytes than UTF-8 is refused', () => {
    expect(problems(new Uint8Array([0xff, 0xfe, 0x41]))).toEqual(['FILE: expected UTF-8 text, found other bytes'])
  })
})
