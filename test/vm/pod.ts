import { stringify } from 'yaml'
import { Guest, type GuestProcess } from '../../scripts/vm/guest.mjs'
import { makePod, type Node, podEnvironment, podNetwork, podUid } from '../../scripts/vm/pod.mjs'
import { type PortStatus, type Status, statusSchema } from '../../src/http/status.js'
import { settledStatus } from '../../src/lab/settle.js'
import { eventually } from '../eventually.js'
import { type PingResult, parsePing, pingCommand } from '../lab/ping.js'
import { parseMetrics } from '../lab/prometheus.js'
import { type Container, capability, checkout, entrypoint, programs } from '../native/container.js'

export { podNetwork } from '../../scripts/vm/pod.mjs'
export type Settings = Readonly<Record<string, unknown>>
export type Namespace = 'pod' | 'peer'

/** The pod of the guide: IPC_LOCK is added, everything else dropped, and nothing can be gained. */
export const guidePod: Container = { added: capability.ipcLock, noNewPrivs: true, memlockBytes: 65_536 }

/**
 * What a guide's pod is configured with, as far as a guest differs from a node: CPU 1 polls, and sleeps when idle; and a
 * virtual CPU may have to wait seconds for one of this machine's.
 */
const guestSettings: Settings = {
  lcores: '1',
  idle: 'ramp',
  forwarding: { mode: 'macswap' },
  watchdog: { stallMs: 20_000 },
}

export const launcher = `${programs}/spillway-launch`
const configFile = '/etc/spillway/spillway.yaml'
/** Emulated, a start takes 10 s, and a multiple of that beside other work. */
const readyDeadlineMs = 120_000
const url = `http://${podNetwork.podV4}:9464`

export interface StartSpec {
  /** On top of what every guest has. */
  readonly settings?: Settings
  readonly container?: Container
  /** Words in front of what starts the container, in the pod's network namespace. */
  readonly below?: readonly string[]
  /** In front of `run` and its arguments. */
  readonly command?: readonly string[]
  readonly args?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
}

/** A guest with the pod of the guide. One at a time: each file boots its own and ends it. */
export class Pod {
  private constructor(
    readonly guest: Guest,
    readonly node: Node,
  ) {}

  static async boot(
    machine: Parameters<typeof Guest.boot>[0] = {},
    pod: Parameters<typeof makePod>[1] = {},
  ): Promise<Pod> {
    const guest = await Guest.boot(machine)
    try {
      const node = await makePod(guest, pod)
      await guest.script(`
        mkdir -p /run/spillway
        chown ${podUid}:${podUid} /run/spillway
        setcap cap_ipc_lock,cap_net_raw,cap_net_admin+p ${launcher}`)
      return new Pod(guest, node)
    } catch (error) {
      await guest.destroy()
      throw error
    }
  }

  async close(): Promise<void> {
    await this.guest.shutdown()
  }

  /** The command line that runs `argv` in a namespace. */
  inside(namespace: Namespace, argv: readonly string[]): string[] {
    return ['ip', 'netns', 'exec', namespace, ...argv]
  }

  async run(namespace: Namespace, argv: readonly string[], input = ''): Promise<string> {
    return await this.guest.must(this.inside(namespace, argv), { input })
  }

  async ip(namespace: Namespace, ...lines: string[]): Promise<void> {
    await this.guest.must(['ip', '-n', namespace, '-batch', '-'], { input: `${lines.join('\n')}\n` })
  }

  async ping(namespace: Namespace, host: string, times = 3, payloadBytes = 56): Promise<PingResult> {
    const { stdout, stderr } = await this.guest.run(this.inside(namespace, pingCommand(host, times, payloadBytes)))
    return parsePing(stdout, stderr)
  }

  /** The command line of a Spillway command as the entrypoint of the pod's container. */
  entrypoint({ container = guidePod, below = [], command = [launcher] }: StartSpec, ...words: string[]): string[] {
    return this.inside('pod', [...below, ...entrypoint(container, [...command, ...words])])
  }

  async configure(settings: Settings = {}): Promise<void> {
    await this.guest.write(configFile, stringify({ ...guestSettings, ...settings }, { version: '1.1' }))
  }

  /** Starts `spillway run` in the pod. */
  async start(spec: StartSpec = {}): Promise<Instance> {
    await this.configure(spec.settings)
    const env = { ...podEnvironment(this.node), ...spec.env }
    const argv = this.entrypoint(spec, 'run', ...(spec.args ?? []))
    return new Instance(this.guest, await this.guest.start(argv, { env }))
  }

  /** The same, and forwarding. */
  async ready(spec: StartSpec = {}): Promise<Instance> {
    const instance = await this.start(spec)
    await instance.ready()
    return instance
  }
}

/** A `spillway run` in the guest. */
export class Instance {
  constructor(
    readonly guest: Guest,
    readonly process: GuestProcess,
  ) {}

  async get(path: string): Promise<string> {
    const { status, body } = await this.guest.fetch(`${url}${path}`)
    if (status !== 200) throw new Error(`${path} answered ${status}: ${body}`)
    return body
  }

  async status(): Promise<Status> {
    return statusSchema.parse(JSON.parse(await this.get('/api/v1/status')))
  }

  /** The one port's totals, once nothing is under way any more. */
  async settledTotals(): Promise<PortStatus['totals']> {
    const [port] = (await settledStatus(this)).ports
    if (port === undefined) throw new Error('no port')
    return port.totals
  }

  async totals(): Promise<PortStatus['totals']> {
    const [port] = (await this.status()).ports
    if (port === undefined) throw new Error('no port')
    return port.totals
  }

  async metrics(): Promise<Map<string, number>> {
    return parseMetrics(await this.get('/metrics'))
  }

  /** What /readyz says. */
  async readiness(): Promise<{ status: number; body: string }> {
    return await this.guest.fetch(`${url}/readyz`)
  }

  async ready(): Promise<void> {
    let over: { exitCode: number | null; signal: string | null } | undefined
    this.process.ended.then(
      (end) => {
        over = end
      },
      () => {},
    )
    const look = async (): Promise<true | undefined> =>
      over !== undefined || (await this.readiness()).status === 200 ? true : undefined
    try {
      await eventually('ready', look, readyDeadlineMs)
    } catch (cause) {
      throw new Error(`not ready: ${this.lastLines()}`, { cause })
    }
    if (over !== undefined) throw new Error(`it ended with ${over.signal ?? over.exitCode}: ${this.lastLines()}`)
  }

  /** For a person who reads why a test failed. */
  lastLines(lines = 25): string {
    return this.process.stderr.split('\n').slice(-lines).join('\n')
  }

  /** Lines of the log that hold all of these words. */
  logged(...words: string[]): string[] {
    return this.process.stderr.split('\n').filter((line) => words.every((word) => line.includes(word)))
  }

  async stop(): Promise<{ exitCode: number | null; signal: string | null }> {
    this.process.kill('SIGTERM')
    const { exitCode, signal } = await this.process.ended
    return { exitCode, signal }
  }

  /** For an `afterEach`: whatever state it is in. */
  async end(): Promise<void> {
    this.process.kill('SIGTERM')
    await this.process.ended
  }
}

export const framesScript = `${checkout}/test/lab/frames.py`
