import { describe, expect, it } from 'vitest'
import { findConfigFile, loadConfig } from '../../../src/config/load.js'
import { load, set, withFile } from './fixtures.js'

const originOf = ({ settings }: ReturnType<typeof loadConfig>, path: string) =>
  settings.find((setting) => setting.path === path)?.origin

describe('loadConfig', () => {
  it('needs nothing', () => {
    const { config, settings } = loadConfig({})
    expect(config).toMatchObject({ lcores: 'auto', burst: 32, ports: [], http: { listen: '[::]:9464' } })
    expect(settings.every(({ origin }) => origin === 'default')).toBe(true)
  })

  it.each(['', '# nothing\n', '---\n', '{}', 'rules:\nports:\nhttp:\n'])(
    'takes a file that says nothing: %j',
    (text) => {
      expect(load(text).config).toEqual(loadConfig({}).config)
    },
  )

  it('lays environment over file and flags over both', () => {
    const sources = { env: { SPILLWAY_BURST: '2', SPILLWAY_IDLE: 'poll' }, flags: [set('burst', '3')] }
    withFile('burst: 1\nidle: ramp\nlcores: "1"', (file) => {
      const loaded = loadConfig({ file, ...sources })
      expect(loaded.config).toMatchObject({ burst: 3, idle: 'poll', lcores: '1' })
      expect(originOf(loaded, 'burst')).toBe('--set')
      expect(originOf(loaded, 'idle')).toBe('env SPILLWAY_IDLE')
      expect(originOf(loaded, 'lcores')).toBe(`${file}:3`)
      expect(originOf(loaded, 'memory.mib')).toBe('default')
    })
  })

  it('knows the line of every setting, through lists, flow style and aliases', () => {
    const text = 'ports:\n  - name: a\n    exception: &e\n      queues: 2\n  - { name: b,\n      exception: *e }\n'
    withFile(text, (file) => {
      const loaded = loadConfig({ file })
      expect(originOf(loaded, 'ports[0].exception.queues')).toBe(`${file}:4`)
      expect(originOf(loaded, 'ports[1].name')).toBe(`${file}:5`)
      expect(originOf(loaded, 'ports[1].exception.queues')).toBe(`${file}:4`)
      expect(originOf(loaded, 'ports[1].exception.tap')).toBe('default')
    })
  })

  it('replaces a list as a whole from a variable, and one item by a flag', () => {
    const { config } = load('ports: [{ name: a }, { name: b }]', {
      env: { SPILLWAY_PORTS: '[{ name: c }, { name: d }]' },
      flags: [set('ports[1].queues', '2'), set('ports.0.exception.tap', '5')],
    })
    expect(config.ports.map(({ name, queues }) => [name, queues])).toEqual([
      ['c', 'auto'],
      ['d', 2],
    ])
    // A name is a name, also one that looks like a number.
    expect(config.ports[0]?.exception.tap).toBe('5')
  })

  it('takes JSON in variables', () => {
    const rules = [{ name: 'a', match: 'arp', to: 'drop' }]
    expect(loadConfig({ env: { SPILLWAY_RULES: JSON.stringify(rules) } }).config.rules).toMatchObject(rules)
  })

  it('takes null for a limit: there is none', () => {
    expect(load('exceptionPath: { limit: null }').config.exceptionPath.limit).toBeNull()
    expect(load('', { env: { SPILLWAY_EXCEPTION_PATH_LIMIT: 'null' } }).config.exceptionPath.limit).toBeNull()
  })

  it('fills in the rest of a limit', () => {
    const { config } = load('exceptionPath: { limit: null }', { env: { SPILLWAY_EXCEPTION_PATH_LIMIT_PPS: '5' } })
    expect(config.exceptionPath.limit).toEqual({ pps: 5, burst: 8192 })
  })

  it('keeps MAC addresses as text whatever the file says about its version', () => {
    const text = '%YAML 1.1\n---\nports: [{ name: yes }]\nforwarding: { ethPeer: { yes: 50:00:00:00:00:01 } }'
    expect(load(text).config).toMatchObject({
      ports: [{ name: 'yes' }],
      forwarding: { ethPeer: { yes: '50:00:00:00:00:01' } },
    })
  })

  it('keeps names that objects have anyway apart from what objects have anyway', () => {
    const text = 'ports: [{ name: constructor }]\nforwarding: { ethPeer: { constructor: "50:00:00:00:00:01" } }'
    expect(load(text).config.forwarding.ethPeer).toEqual({ constructor: '50:00:00:00:00:01' })
    expect(
      load('', { flags: [set('forwarding.ethPeer["__proto__"]', '50:00:00:00:00:01')] }).config.forwarding.ethPeer,
    ).toEqual({})
  })

  it('names ports by position unless they have a name', () => {
    expect(load('ports: [{}, { name: east }, {}]').config.ports.map(({ name }) => name)).toEqual(['vf0', 'east', 'vf2'])
  })

  it('takes a tap of the same name as long as only one port uses it', () => {
    const text = 'ports: [{ exception: { tap: t, backend: none } }, { exception: { tap: t } }]'
    expect(load(text).config.ports).toHaveLength(2)
  })
})

describe('variables with our prefix', () => {
  it('count as not set when empty', () => {
    expect(loadConfig({ env: { SPILLWAY_BURST: '', SPILLWAY_NONSENSE: '' } }).config.burst).toBe(32)
  })

  it('of a Kubernetes Service called spillway are not ours', () => {
    const env = {
      SPILLWAY_SERVICE_HOST: '172.30.4.2',
      SPILLWAY_SERVICE_PORT: '9464',
      SPILLWAY_SERVICE_PORT_METRICS: '9464',
      SPILLWAY_PORT: 'tcp://172.30.4.2:9464',
      SPILLWAY_PORT_9464_TCP: 'tcp://172.30.4.2:9464',
      SPILLWAY_PORT_9464_TCP_PROTO: 'tcp',
      SPILLWAY_PORT_9464_TCP_PORT: '9464',
      SPILLWAY_PORT_9464_TCP_ADDR: '172.30.4.2',
      SPILLWAY_METRICS_SERVICE_HOST: '172.30.4.3',
      SPILLWAY_METRICS_PORT_80_TCP_ADDR: '172.30.4.3',
    }
    expect(loadConfig({ env }).config).toEqual(loadConfig({}).config)
  })

  it('for the set-up and the file are known', () => {
    expect(() => loadConfig({ env: { SPILLWAY_NO_INSTALL: '1', SPILLWAY_CONFIG: '/x' } })).not.toThrow()
  })
})

describe('findConfigFile', () => {
  it('prefers the flag, then the variable, then the default file where it exists', () => {
    const env = { SPILLWAY_CONFIG: '/env' }
    expect(findConfigFile('/flag', env, '/dev/null')).toBe('/flag')
    expect(findConfigFile(undefined, env, '/dev/null')).toBe('/env')
    expect(findConfigFile(undefined, { SPILLWAY_CONFIG: '' }, '/dev/null')).toBe('/dev/null')
    expect(findConfigFile(undefined, {}, '/nonexistent/spillway.yaml')).toBeUndefined()
  })
})
