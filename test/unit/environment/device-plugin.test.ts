import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { discoverDevicePlugin } from '../../../src/environment/device-plugin.js'

const address = '0000:3b:02.4'
const one = (info: string) => discoverDevicePlugin({ PCIDEVICE_X: address, PCIDEVICE_X_INFO: info })[0]

describe('the lists of the device plugin', () => {
  it('leave out JSON, tell junk and keep the order of the kubelet', () => {
    const found = discoverDevicePlugin({
      'PCIDEVICE_X_DPDK-NIC': '0000:3B:02.5, 0000:3b:02.4,junk',
      'PCIDEVICE_X_DPDK-NIC_INFO': '{}',
      PCIDEVICE_EMPTY: '',
      OTHER: '0000:3b:02.6',
    })
    expect(found).toEqual([
      { variable: 'PCIDEVICE_EMPTY', addresses: [], malformed: [], info: null, infoProblem: null },
      {
        variable: 'PCIDEVICE_X_DPDK-NIC',
        addresses: ['0000:3b:02.5', '0000:3b:02.4'],
        malformed: ['ju… (4 characters)'],
        info: {},
        infoProblem: null,
      },
    ])
  })

  it('take a resource whose own name ends in _INFO for a resource', () => {
    const found = discoverDevicePlugin({
      PCIDEVICE_X_NIC_INFO: address,
      PCIDEVICE_X_NIC_INFO_INFO: `{"${address}":{"vfio":{"mount":"/dev/vfio/vfio"}}}`,
    })
    expect(found).toHaveLength(1)
    expect(found[0]).toMatchObject({ variable: 'PCIDEVICE_X_NIC_INFO', addresses: [address] })
    expect(found[0]?.info?.[address]?.vfioContainer).toBe('/dev/vfio/vfio')
  })

  it('take _INFO without a list for no resource', () => {
    expect(discoverDevicePlugin({ PCIDEVICE_X_INFO: '{"a":{}}' })).toEqual([])
  })

  it('name a device once', () => {
    expect(discoverDevicePlugin({ PCIDEVICE_X: `${address},${address}` })[0]?.addresses).toEqual([address])
  })
})

describe('a word that is no address', () => {
  it.each([
    ['tok99secret', 'tok9… (11 characters)'],
    ['secret', 'sec… (6 characters)'],
    ['7', '… (1 character)'],
    ['🦜🦜🦜🦜', '🦜🦜… (4 characters)'],
    ['x'.repeat(10_000), 'xxxx… (10000 characters)'],
  ])('is told by its first letters and its length alone: %.20s', (word, told) => {
    expect(discoverDevicePlugin({ PCIDEVICE_X_TOKEN: word })[0]?.malformed).toEqual([told])
  })
})

describe('_INFO', () => {
  it.each([
    ['as the plugin writes it', { mount: '/dev/vfio/vfio', 'dev-mount': '/dev/vfio/7' }],
    ['as its README writes it', { 'vfio-mount': '/dev/vfio/vfio', 'vfio-dev-mount': '/dev/vfio/7' }],
  ])('is read %s', (_, vfio) => {
    const vhost = { 'net-mount': '/dev/vhost-net', 'tun-mount': '/dev/net/tun' }
    const rdma = { rdma_dev: 'mlx5_3', uverbs: '/dev/infiniband/uverbs3' }
    expect(one(JSON.stringify({ [address.toUpperCase()]: { vfio, vhost, rdma, extra: { a: 'b' } } }))?.info).toEqual({
      [address]: {
        vfioContainer: '/dev/vfio/vfio',
        vfioGroup: '/dev/vfio/7',
        vhostNet: '/dev/vhost-net',
        tun: '/dev/net/tun',
        rdmaDevice: 'mlx5_3',
        uverbs: '/dev/infiniband/uverbs3',
      },
    })
  })

  it.each([
    ['{"0000', 'it is no JSON'],
    ['[1]', 'it is no map of devices'],
    ['{"0000:3b:02.4":"x"}', 'it is no map of devices'],
    ['null', 'it is no map of devices'],
    [`{"a":${'{"a":'.repeat(20_000)}1${'}'.repeat(20_000)}}`, '120007 characters are too many'],
  ])('that cannot be read is a problem and no more: %.20s', (text, problem) => {
    const found = one(text)
    expect(found?.addresses).toEqual([address])
    if (text.length < 1000) expect(found).toMatchObject({ info: null, infoProblem: problem })
    else expect(found?.infoProblem === null || typeof found?.infoProblem === 'string').toBe(true)
  })

  it('longer than a variable can be is not parsed', () => {
    expect(one(`{${' '.repeat(200_000)}}`)).toMatchObject({ info: null, infoProblem: '200002 characters are too many' })
  })

  it('with values of other types gives none of them', () => {
    const text = JSON.stringify({ [address]: { vfio: { mount: 7, 'dev-mount': null }, vhost: 'x', rdma: [] } })
    expect(Object.values(one(text)?.info?.[address] ?? {})).toEqual([null, null, null, null, null, null])
  })

  it('cannot reach the prototype', () => {
    const found = one('{"__proto__":{"vfio":{"mount":"x"}},"constructor":{}}')
    expect(found).toMatchObject({ info: {}, infoProblem: null })
    expect(Object.getPrototypeOf(found?.info)).toBe(Object.prototype)
  })

  it('never throws, whatever is in it', () => {
    fc.assert(fc.property(fc.oneof(fc.json(), fc.string()), (text) => one(text) !== undefined))
  })
})
