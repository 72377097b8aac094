import { type ChildProcess, spawn } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import { SpillwayError } from '../../errors.js'
import type { Plan } from '../../plan/types.js'
import { warmUpMs, windowMs } from './round.js'
import { burst, descriptors, mbufCache } from './topologies.js'

/** testpmd prints a prompt within a second; a machine under load gets this long. */
const patienceMs = 20_000

export interface TestpmdSpec {
  readonly plan: Plan
  readonly runtimeFolder: string
  /** Enters a namespace, say; the arguments go in front of the program. */
  readonly through?: readonly string[]
  /** Makes it read the TSC twice a burst: only where cycles are what is asked for. */
  readonly recordCycles: boolean
}

export interface TestpmdRound {
  readonly packetsPerSecond: number
  /** Of bursts that were not empty, when they were recorded. */
  readonly cyclesPerPacket: number
}

/** The arguments of dpdk-testpmd that make it do what `plan` says, on the same lcore with the same sizes. */
function testpmdArgs(plan: Plan, recordCycles: boolean): string[] {
  const vdevs = plan.ports.map(({ devargs }) => `--vdev=${devargs}`)
  const peers = plan.ports.flatMap(({ ethPeer }, i) => (ethPeer === null ? [] : [`--eth-peer=${i},${ethPeer}`]))
  const topology = plan.ports.length === 1 ? ['--port-topology=loop'] : []
  return [
    ...plan.ealArgs,
    '--file-prefix=spillway-peer',
    ...vdevs,
    '--',
    '-i',
    '--no-mlockall',
    '--nb-cores=1',
    `--forward-mode=${plan.forwarding.mode}`,
    `--burst=${burst}`,
    `--rxd=${descriptors}`,
    `--txd=${descriptors}`,
    `--mbcache=${mbufCache}`,
    `--total-num-mbufs=${plan.memory.mbufs}`,
    ...(recordCycles ? ['--record-core-cycles'] : []),
    ...topology,
    ...peers,
  ]
}

/** A running dpdk-testpmd, spoken to at its prompt. */
class Testpmd {
  readonly #child: ChildProcess
  #said = ''
  #ended = false
  #heard: () => void = () => {}

  constructor({ plan, runtimeFolder, through = [], recordCycles }: TestpmdSpec) {
    // Without stdbuf what it prints into a pipe waits for 4 KiB of more.
    const [file = '', ...args] = [...through, 'stdbuf', '-oL', 'dpdk-testpmd', ...testpmdArgs(plan, recordCycles)]
    const env = { ...process.env, RUNTIME_DIRECTORY: runtimeFolder, LC_ALL: 'C' }
    this.#child = spawn(file, args, { stdio: 'pipe', env })
    for (const stream of [this.#child.stdout, this.#child.stderr])
      stream?.setEncoding('utf8').on('data', (chunk: string) => {
        this.#said += chunk
        this.#heard()
      })
    this.#child.stdin?.on('error', () => {})
    this.#child.once('error', () => this.#end())
    this.#child.once('close', () => this.#end())
  }

  #end(): void {
    this.#ended = true
    this.#heard()
  }

  /** Types a line and gives what is printed up to and including `until`. */
  async ask(line: string, until: RegExp): Promise<string> {
    this.#said = ''
    this.#child.stdin?.write(line)
    const deadline = Date.now() + patienceMs
    while (!until.test(this.#said)) {
      if (this.#ended || Date.now() > deadline)
        throw new SpillwayError(
          'ERR_MISSING_TOOL',
          `dpdk-testpmd ${this.#ended ? 'ended' : 'hangs'}: ${this.#said.slice(-500)}`,
          {
            hint: 'npm run setup installs it (Debian: dpdk-dev)',
          },
        )
      await Promise.race([sleep(100), new Promise<void>((resolve) => (this.#heard = resolve))])
    }
    return this.#said
  }

  async quit(): Promise<void> {
    this.#child.stdin?.end('quit\n')
    const deadline = Date.now() + patienceMs
    while (!this.#ended) {
      if (Date.now() > deadline) this.#child.kill('SIGKILL')
      await Promise.race([sleep(100), new Promise<void>((resolve) => (this.#heard = resolve))])
    }
  }
}

function received(text: string): number {
  return [...text.matchAll(/RX-packets: (\d+)/g)].reduce((sum, [, n]) => sum + Number(n), 0)
}

/** One round of dpdk-testpmd: started, warmed up, measured over a window of our clock, stopped. */
export async function testpmdRound(spec: TestpmdSpec): Promise<TestpmdRound> {
  const testpmd = new Testpmd(spec)
  const shown = new RegExp(`(?:Tx-pps[^]*){${spec.plan.ports.length}}####\n`)
  try {
    await testpmd.ask('', /Checking link statuses\.\.\.\nDone/)
    await testpmd.ask('start\n', /packet forwarding - ports=/)
    await sleep(warmUpMs)
    const before = received(await testpmd.ask('show port stats all\n', shown))
    const start = performance.now()
    await sleep(windowMs)
    const text = await testpmd.ask('show port stats all\n', shown)
    const seconds = (performance.now() - start) / 1000
    const stopped = await testpmd.ask('stop\n', /\nDone\./)
    const cycles = /CPU cycles\/packet=([\d.]+)/.exec(stopped)?.[1]
    return { packetsPerSecond: (received(text) - before) / seconds, cyclesPerPacket: Number(cycles ?? Number.NaN) }
  } finally {
    await testpmd.quit()
  }
}
