import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { createConnection, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { Testpmd } from '../../src/bench/peers/testpmd.js'
import type { PortStatus } from '../../src/http/status.js'
import { endCommands } from './built-command.js'
import { eventually, type RunProcess, startRun } from './run-process.js'

type Role = 'client' | 'server'

/** Bursts of 32 that testpmd sends at `start tx_first`. */
const bursts = 100
const frames = bursts * 32

/**
 * A Spillway between two dpdk-testpmd: one is the wire, at the other end of a virtio-user port, the other the neighbour of
 * its exception path. Everything that the wire sends is for the neighbour.
 */
describe('vhost-user', () => {
  let folder: string
  let programs: Testpmd[]

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'spillway-vhost-user-'))
    programs = []
  })
  afterEach(async () => {
    await Promise.all(programs.map((program) => program.quit()))
    await endCommands()
    rmSync(folder, { recursive: true })
  })

  const wire = () => join(folder, 'wire')
  const socket = () => join(folder, 'neighbour')

  /** One port of net_vhost; it is there when Spillway is at the other end. */
  async function testpmd(path: string, client: boolean, queues = 1): Promise<Testpmd> {
    const program = await Testpmd.open({
      runtimeFolder: folder,
      started: /testpmd> /,
      args: [
        ...['-l', '0,1', '--no-huge', '--no-shconf', '-m', '128', '--no-pci', '--no-telemetry'],
        ...['--vdev', `net_vhost0,iface=${path},client=${client ? 1 : 0},queues=${queues}`],
        ...['--', '-i', '--no-mlockall', '--total-num-mbufs=8192', '--forward-mode=rxonly'],
        ...[`--rxq=${queues}`, `--txq=${queues}`],
      ],
    })
    programs.push(program)
    return program
  }

  function configure(role: Role, queues = 1): object {
    const exception = { backend: 'vhost-user', socket: socket(), server: role === 'server', queues }
    return {
      lcores: '1',
      idle: 'ramp',
      memory: { pageSize: 'none' },
      ports: [{ name: 'vf0', device: `virtio_user9,path=${wire()},queue_size=4096`, exception }],
      exceptionPath: { builtins: false, default: 'kernel', limit: null },
      watchdog: { stallMs: 10_000 },
      http: { listen: '127.0.0.1:0' },
    }
  }

  /** Spillway with the wire, and nobody at the other end yet. */
  async function start(role: Role, queues: number): Promise<{ run: RunProcess; wireEnd: Testpmd }> {
    const opening = testpmd(wire(), false)
    await eventually('the wire', () => existsSync(wire()) || undefined)
    const run = startRun(configure(role, queues))
    return { run, wireEnd: await opening }
  }

  const neighbour = (role: Role, queues: number) => testpmd(socket(), role === 'server', queues)

  async function until(run: RunProcess, what: string, holds: (port: PortStatus) => boolean): Promise<PortStatus> {
    return await eventually(what, async () => {
      const [port] = (await run.status()).ports
      return port !== undefined && holds(port) ? port : undefined
    })
  }

  const attached = (run: RunProcess, connections: number) =>
    until(
      run,
      `neighbour ${connections}`,
      ({ exception: { neighbour } }) => neighbour?.up === true && neighbour.connections === connections,
    )
  const left = (run: RunProcess) =>
    until(
      run,
      'the neighbour is gone, and why',
      ({ exception: { neighbour } }) => neighbour?.up === false && neighbour.why !== null,
    )

  /** What the wire has sent once it has stopped. */
  async function sendFromWire(wireEnd: Testpmd): Promise<number> {
    await wireEnd.ask(`start tx_first ${bursts}`, /packet forwarding - ports=/)
    return count(await wireEnd.ask('stop', /\nDone\./), 'TX')
  }

  /** All of the packets of testpmd's ports, as it sums them up at `stop`. */
  function count(said: string, way: 'RX' | 'TX'): number {
    const [, all = ''] = said.split('Accumulated forward statistics')
    return Number(new RegExp(`${way}-packets: (\\d+)`).exec(all)?.[1] ?? Number.NaN)
  }

  function accounted({ totals }: PortStatus): boolean {
    const { rxPackets, forwarded, punted, consumed, dropped, tapRxFrames, injectedFrames } = totals
    const sum = (ofInjection: boolean) =>
      Object.entries(dropped).reduce(
        (n, [why, count]) => n + (why.startsWith('inject_') === ofInjection ? count : 0),
        0,
      )
    return rxPackets === forwarded + punted + consumed + sum(false) && tapRxFrames === injectedFrames + sum(true)
  }

  test.each([
    ['client', 1],
    ['server', 1],
    ['client', 2],
    ['server', 2],
  ] as const)(
    'as %s with %i queues: every packet arrives, both ways, also after the neighbour was killed',
    async (role, queues) => {
      const { run, wireEnd } = await start(role, queues)
      // Nobody is there: the fast path runs, what is for the neighbour is dropped for that reason.
      await until(run, 'a reason', ({ exception: { neighbour } }) => role === 'server' || neighbour?.why != null)
      const lost = await sendFromWire(wireEnd)
      const alone = await until(run, 'the drops', ({ totals }) => (totals.dropped.neighbour_down ?? 0) === lost)
      expect(alone.totals).toMatchObject({ punted: 0, rxPackets: lost })

      let taken = 0
      for (let life = 1; life <= 3; life++) {
        const program = await neighbour(role, queues)
        const before = (await attached(run, life)).totals
        expect((await run.status()).notReady).toEqual([])

        await program.startForwarding()
        const sent = await sendFromWire(wireEnd)
        const after = await until(
          run,
          'all that the wire sent',
          (port) => accounted(port) && port.totals.rxPackets - before.rxPackets === sent,
        )
        const punted = after.totals.punted - before.punted
        expect(punted).toBeGreaterThan(0)
        expect(after.totals.dropped.neighbour_down).toBe(before.dropped.neighbour_down)
        const arrived = await eventually('all that was punted', async () => {
          const got = Number(/RX-packets: (\d+)/.exec(await program.ask('show port stats 0', /Tx-bps/))?.[1])
          return got >= punted ? got : undefined
        })
        expect(arrived).toBe(punted)
        await program.ask('stop', /\nDone\./)

        await program.ask('set fwd txonly', /Set txonly packet forwarding mode/)
        await program.startForwarding()
        await until(run, 'frames from the neighbour', ({ totals }) => totals.tapRxFrames - taken > frames)
        const given = count(await program.ask('stop', /\nDone\./), 'TX')
        const settled = await until(run, 'all of them', ({ totals }) => totals.tapRxFrames - taken >= given)
        expect(settled.totals.tapRxFrames - taken).toBe(given)
        taken = settled.totals.tapRxFrames
        expect(await run.get('/metrics')).toMatch(/^spillway_exception_wakeups_total{thread="0"} [1-9]/m)
        await until(run, 'everything accounted for', accounted)

        await program.kill()
        // testpmd does not take the place of a socket that a dead one left.
        if (role === 'client') rmSync(socket())
        const gone = await left(run)
        expect(gone.exception.neighbour?.why).toMatch(/found .*\(E[A-Z]+\)/)
        expect((await run.status()).notReady[0]).toContain('exception path of port vf0 is not attached')
        const downBefore = gone.totals.dropped.neighbour_down ?? 0
        const without = await sendFromWire(wireEnd)
        await until(run, 'drops again', ({ totals }) => (totals.dropped.neighbour_down ?? 0) - downBefore === without)
      }
      run.child.kill('SIGTERM')
      expect(await run.ended).toEqual({ exitCode: 0, signal: null })
      expect(run.stderr()).not.toContain('did not come back')
      expect(existsSync(socket())).toBe(false)
    },
    120_000,
  )

  const nobody = (role: Role) => ({
    ...configure(role),
    ports: [
      {
        name: 'a',
        device: 'net_null0',
        exception: { backend: 'vhost-user', socket: socket(), server: role === 'server' },
      },
    ],
    exceptionPath: { builtins: false, default: 'forward' },
  })

  test.each(['client', 'server'] as const)('as %s: forwards, and stops in order, while nobody comes', async (role) => {
    const run = startRun(nobody(role))
    const port = await until(run, 'packets', ({ totals }) => totals.consumed > 0)
    expect(port.exception.neighbour).toMatchObject({ socket: socket(), up: false, connections: 0 })
    if (role === 'server') await eventually('its socket', () => existsSync(socket()) || undefined)
    run.child.kill('SIGTERM')
    expect(await run.ended).toEqual({ exitCode: 0, signal: null })
    expect(existsSync(socket())).toBe(false)
  })

  test('as client: says that there is no socket, and then that nobody listens', async () => {
    const run = startRun(nobody('client'))
    await until(run, 'no socket', ({ exception: { neighbour } }) => neighbour?.why?.includes('ENOENT') === true)
    await leaveSocket()
    await until(run, 'nobody', ({ exception: { neighbour } }) => neighbour?.why?.includes('ECONNREFUSED') === true)
    expect(run.stderr()).toContain('Spillway: exception.server: true')
  })

  test.each([
    ['closes at once', 'ECONNRESET', (socket: Socket) => socket.destroy()],
    ['does not answer', 'ETIMEDOUT', () => {}],
    ['speaks something else', 'EPROTO', (socket: Socket) => socket.end('HTTP/1.1 400 Bad Request\r\n')],
  ] as const)(
    'as client: is not held up, and loses no descriptor, where who listens %s',
    async (_, code, onConnection) => {
      let connections = 0
      const other = createServer((connection) => {
        connections++
        connection.on('error', () => {})
        onConnection(connection)
      }).listen(socket())
      const run = startRun(nobody('client'))
      await until(run, code, ({ exception: { neighbour } }) => neighbour?.why?.includes(code) === true)
      const { pid } = (await run.status()).worker
      const descriptors = () => readdirSync(`/proc/${pid}/fd`).length
      const [before, seen] = [descriptors(), connections]
      await eventually('three more tries', () => connections >= seen + 3 || undefined)
      // The one of a try that is under way.
      expect(descriptors()).toBeLessThanOrEqual(before + 1)
      run.child.kill('SIGTERM')
      expect(await run.ended).toEqual({ exitCode: 0, signal: null })
      other.close()
    },
  )

  test('as server: is not put off by one that connects and leaves', async () => {
    const run = startRun(nobody('server'))
    await eventually('its socket', () => existsSync(socket()) || undefined)
    const visitor = createConnection(socket())
    await once(visitor, 'connect')
    visitor.destroy()
    await testpmd(socket(), true)
    await attached(run, 1)
  })

  test('as server: takes the place of a socket that a dead process left', async () => {
    await leaveSocket()
    const run = startRun(nobody('server'))
    await run.url()
    await testpmd(socket(), true)
    await attached(run, 1)
  })

  test('as server: leaves a socket alone that somebody serves, and waits for it', async () => {
    const other = createServer().listen(socket())
    await once(other, 'listening')
    const run = startRun(nobody('server'))
    await until(run, 'a reason', ({ exception: { neighbour } }) => neighbour?.why?.includes('EADDRINUSE') === true)
    expect(existsSync(socket())).toBe(true)
    other.close()
    await testpmd(socket(), true)
    await attached(run, 1)
  })

  test('as server: says when the folder of its socket is not there', async () => {
    const run = startRun({
      ...nobody('server'),
      ports: [
        {
          name: 'a',
          device: 'net_null0',
          exception: { backend: 'vhost-user', socket: join(folder, 'no/s'), server: true },
        },
      ],
    })
    await until(run, 'a reason', ({ exception: { neighbour } }) => neighbour?.why?.includes('ENOENT') === true)
    expect(run.stderr()).toContain('no folder for the socket')
  })

  /** As a process that was killed leaves it. */
  async function leaveSocket(): Promise<void> {
    const script = `import('node:net').then(({ createServer }) =>
      createServer().listen(${JSON.stringify(socket())}, () => process.kill(process.pid, 'SIGKILL')))`
    await once(spawn(process.execPath, ['-e', script]), 'exit')
  }
})
