import { describe, expect, it } from 'vitest'
import { needsNetworkStatus } from '../../../src/plan/network-status.js'
import { config, decision, hugepages, machine, missingDevice, plan } from './fixtures.js'

const exception = 'exception: { backend: vhost-user, socket: /run/ovs/vf0.sock, server: true, queues: 2 }'
const settings = { ports: `[{ device: net_null0, ${exception} }]` }
const withPages = machine({ hugepages: [hugepages('2Mi', 512)] })

describe('a port at a vhost-user socket', () => {
  it('needs no tap, tun or vhost-net, and takes no tap from another port', () => {
    const devices = { ...machine().devices, tun: missingDevice('/dev/net/tun') }
    const alone = plan(settings, machine({ devices, netdevs: [] }))
    expect(alone.ports[0]?.exception).toEqual({
      backend: 'vhost-user',
      tap: '',
      queues: 2,
      hold: false,
      queueSize: 1024,
      socket: '/run/ovs/vf0.sock',
      server: true,
    })
    const two = plan({
      ports: `[{ device: net_null0, ${exception} }, { device: net_null1, exception: { tap: ext0 } }]`,
    })
    expect(two.ports.map(({ exception: { tap } }) => tap)).toEqual(['', 'ext0'])
  })

  it('says who connects, and that the neighbour maps the memory', () => {
    expect(decision(plan(settings), 'port vf0 exception path')).toMatchObject({
      choice: 'vhost-user at /run/ovs/vf0.sock',
      reason: expect.stringMatching(/the neighbour connects to us, which maps our packet memory; no tap/),
    })
  })

  it('has few regions of memory to share: vhost-user takes 8', () => {
    expect(plan(settings, withPages).ealArgs).toContain('--single-file-segments')
    expect(plan(settings, withPages).program.ealArgs).toContain('--single-file-segments')
    expect(plan(settings).ealArgs).not.toContain('--single-file-segments')
    expect(plan(undefined, withPages).ealArgs).not.toContain('--single-file-segments')
  })

  it('has mbufs for the rings of virtio', () => {
    const [few, many] = ['64', '2048'].map((size) =>
      plan({ ports: `[{ device: net_null0, ${exception.replace(' }', `, queueSize: ${size} }`)} }]` }),
    )
    expect((many?.memory.mbufs ?? 0) - (few?.memory.mbufs ?? 0)).toBeGreaterThanOrEqual(2 * 2 * (2048 - 64) - 1024)
  })

  it('is a vdev for another program', () => {
    const { ealArgs, taps, missing } = plan(settings).program
    expect(ealArgs).toContain('virtio_user0,path=/run/ovs/vf0.sock,server=1,queues=2,queue_size=1024')
    expect(taps).toEqual([])
    expect(missing).toEqual([])
  })

  it('does not wait for the annotation that would tell its tap', () => {
    const pod = { ...machine().pod, podnetinfo: true, requested: [] }
    const pci = { ports: `[{ device: "0000:3b:02.4", ${exception} }]` }
    expect(needsNetworkStatus(config(pci), machine({ pod }), 'exec')).toBe(false)
  })
})
