import { describe, expect, it } from 'vitest'
import { mayAccess, type Who } from '../../../src/environment/file-access.js'
import { nameCapabilities, readSecureExecution } from '../../../src/environment/process.js'
import { discoverOn } from './made-host.js'

const status = (...lines: string[]) => ({ 'proc/self/status': `${lines.join('\n')}\nCpus_allowed_list:\t0\n` })
const processOf = (files: Record<string, string | Buffer>, stat?: Record<string, unknown>) =>
  discoverOn({ files, ...(stat === undefined ? {} : { stat }) }).process

describe('nameCapabilities', () => {
  it('names the bits', () => {
    expect(nameCapabilities('0000000000004000')).toEqual(['CAP_IPC_LOCK'])
    expect(nameCapabilities('0000000000003400')).toEqual(['CAP_NET_BIND_SERVICE', 'CAP_NET_ADMIN', 'CAP_NET_RAW'])
    expect(nameCapabilities('000001ffffffffff')).toHaveLength(41)
    expect(nameCapabilities('0')).toEqual([])
  })
})

describe('the process', () => {
  it('has its effective ids, its groups ascending and its five sets apart', () => {
    const files = status(
      'Uid:\t1000\t1001\t1000\t1000',
      'Gid:\t100\t2001\t100\t100',
      'Groups:\t801 36 1001 ',
      'CapInh:\t0000000000000001',
      'CapPrm:\t0000000000004000',
      'CapEff:\t0000000000002000',
      'CapBnd:\t0000000000006000',
      'CapAmb:\t0000000000001000',
      'NoNewPrivs:\t1',
      'Seccomp:\t2',
    )
    expect(processOf(files)).toMatchObject({
      uid: 1001,
      gid: 2001,
      groups: [36, 801, 1001],
      capabilities: {
        inheritable: ['CAP_CHOWN'],
        permitted: ['CAP_IPC_LOCK'],
        effective: ['CAP_NET_RAW'],
        bounding: ['CAP_NET_RAW', 'CAP_IPC_LOCK'],
        ambient: ['CAP_NET_ADMIN'],
      },
      noNewPrivs: true,
      seccomp: 'filter',
    })
  })

  it.each([
    ['0', 'off'],
    ['1', 'strict'],
    ['2', 'filter'],
    ['7', 'unknown'],
  ])('has the seccomp mode %s', (mode, seccomp) => {
    expect(processOf(status(`Seccomp:\t${mode}`)).seccomp).toBe(seccomp)
  })

  it('has its soft limits', () => {
    const limits =
      'Limit                     Soft Limit           Hard Limit           Units     \n' +
      'Max open files            1024                 524288               files     \n' +
      'Max locked memory         65536                8388608              bytes     \n'
    expect(processOf({ 'proc/self/limits': limits })).toMatchObject({ memlockBytes: 65536, openFiles: 1024 })
    const unlimited = limits.replace('65536  ', 'unlimited')
    expect(processOf({ 'proc/self/limits': unlimited }).memlockBytes).toBeNull()
  })

  it('is not dumpable when its own files are closed to it', () => {
    // Its auxv is closed to it too, but there is but one way to get there.
    const closed = { mode: '0400', errno: 'EACCES' }
    const stat = { '/proc/self/environ': closed, '/proc/self/auxv': closed }
    expect(processOf({}, stat)).toMatchObject({ dumpable: false, secureExecution: true })
    expect(processOf({}, {})).toMatchObject({ dumpable: true, secureExecution: false })
  })

  it.each([
    ['system_u:system_r:container_t:s0:c26,c27\0', 'system_u:system_r:container_t:s0:c26,c27'],
    ['cri-containerd.apparmor.d (enforce)\n', null],
    ['unconfined\n', null],
    ['', null],
  ])('has the SELinux context of %j', (text, context) => {
    expect(processOf({ 'proc/self/attr/current': text }).selinuxContext).toBe(context)
  })

  it.each([
    ['         0          0 4294967295\n', false],
    ['         0     100000      65536\n', true],
    ['      1001       1001          1\n', true],
    ['', false],
  ])('with the map %j is in a user namespace: %s', (map, inside) => {
    expect(processOf({ 'proc/self/uid_map': map }).userNamespace).toBe(inside)
  })
})

describe('AT_SECURE', () => {
  const auxv = (...pairs: [bigint, bigint][]) => {
    const buffer = Buffer.alloc(pairs.length * 16)
    pairs.forEach(([key, value], index) => {
      buffer.writeBigUInt64LE(key, index * 16)
      buffer.writeBigUInt64LE(value, index * 16 + 8)
    })
    return buffer
  }
  it.each([
    [auxv([6n, 4096n], [23n, 1n], [0n, 0n]), true],
    [auxv([23n, 0n], [25n, 23n]), false],
    [auxv([25n, 23n], [26n, 1n]), false],
    [Buffer.from([23, 0, 0]), false],
    [Buffer.alloc(0), false],
    [undefined, false],
  ])('of vector %# is %s', (vector, secure) => expect(readSecureExecution(vector)).toBe(secure))
})

describe('mayAccess', () => {
  const who = (changes: Partial<Who> = {}): Who => ({
    uid: 1001,
    gid: 1001,
    groups: [36],
    capabilities: { effective: [], permitted: [], inheritable: [], bounding: [], ambient: [] },
    userNamespace: false,
    ...changes,
  })
  const override = { ...who().capabilities, effective: ['CAP_DAC_OVERRIDE'] }

  it.each([
    ['anybody’s', { mode: 0o666, uid: 0, gid: 0 }, who(), true],
    ['root’s', { mode: 0o600, uid: 0, gid: 0 }, who(), false],
    ['a group’s', { mode: 0o660, uid: 0, gid: 36 }, who(), true],
    ['another group’s', { mode: 0o660, uid: 0, gid: 801 }, who(), false],
    ['its own, closed to its owner', { mode: 0o066, uid: 1001, gid: 0 }, who(), false],
    ['its group’s, closed to the group', { mode: 0o606, uid: 0, gid: 1001 }, who(), false],
    ['root’s with DAC_OVERRIDE', { mode: 0o000, uid: 0, gid: 0 }, who({ capabilities: override }), true],
    [
      'an unmapped owner’s with DAC_OVERRIDE in a user namespace',
      { mode: 0o600, uid: 65_534, gid: 65_534 },
      who({ capabilities: override, userNamespace: true }),
      false,
    ],
  ])('to a file that is %s', (_, owner, me, may) => expect(mayAccess(owner, me, 6)).toBe(may))
})
