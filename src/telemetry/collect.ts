import type { z } from 'zod'
import * as answers from './answers.js'
import type { PortReading, Reading } from './reading.js'
import type { Relay } from './relay.js'

/** DPDK's dictionaries hold this many entries; what comes after is left out without a word (22.11: lib/telemetry). */
const DICT_ENTRIES = 256
/** An answer this close to its bound may have lost an entry: no name is longer than 64 characters. */
const BOUND_MARGIN_BYTES = 128

const noXstats = { xstats: [], xstatsComplete: null } as const

type Commands = Pick<ReadonlySet<string>, 'has'>
type Memory = Pick<Reading, 'heaps' | 'pools' | 'lcores'>

/** The connection broke in the middle of a turn. */
export class ConnectionLost extends Error {
  override readonly name = 'ConnectionLost'
  constructor(
    /** Without its parameter. */
    readonly path: string,
    readonly reason: string,
    message: string,
  ) {
    super(`${path}: ${reason} ${message}`)
  }
}

/** Asks a connected program for everything that it has and we show. */
export class Collector {
  readonly #relay: Relay
  readonly #greeting: answers.Greeting
  readonly #known: Commands
  #everStarted = false
  #memory: Memory = { heaps: [], pools: [], lcores: [] }

  private constructor(relay: Relay, greeting: answers.Greeting, known: Commands) {
    this.#relay = relay
    this.#greeting = greeting
    this.#known = known
  }

  /**
   * Asks first which commands there are: versions and programs differ.
   *
   * @param avoided  commands to leave alone; looked at before each question
   */
  static async begin(relay: Relay, greeting: answers.Greeting, avoided: Commands): Promise<Collector> {
    const known = new Set((await ask(relay, answers.commands, '/')) ?? [])
    return new Collector(relay, greeting, { has: (command) => known.has(command) && !avoided.has(command) })
  }

  /** @throws ConnectionLost */
  async collect(): Promise<Reading> {
    const { version, pid } = this.#greeting
    const ports = await this.#ports()
    if (!this.#isLeaving(ports)) this.#memory = await this.#readMemory()
    return { version: version.replace(/^DPDK /, ''), pid, ports, ...this.#memory }
  }

  /**
   * A program that had ports and has stopped them all may be on its way out: EAL then gives its memory back, and the
   * telemetry thread that is asked about that memory crashes in it (seen with 22.11: SIGSEGV of testpmd at its end).
   */
  #isLeaving(ports: readonly PortReading[]): boolean {
    const started = ports.some(({ info }) => info.dev_started !== 0)
    this.#everStarted ||= started
    return this.#everStarted && !started
  }

  async #readMemory(): Promise<Memory> {
    return {
      heaps: await this.#each(answers.heapIds, '/eal/heap_list', answers.heapInfo, '/eal/heap_info'),
      pools: await this.#each(answers.poolNames, '/mempool/list', answers.poolInfo, '/mempool/info'),
      lcores: (await this.#ask(answers.lcoreUsage, '/eal/lcore/usage')) ?? [],
    }
  }

  async #ports(): Promise<PortReading[]> {
    const ports: PortReading[] = []
    for (const portId of (await this.#ask(answers.portIds, '/ethdev/list')) ?? []) {
      const info = await this.#ask(answers.portInfo, '/ethdev/info', portId)
      // It can be closed between two questions.
      if (info !== null) ports.push(await this.#port(portId, info))
    }
    return ports
  }

  async #port(portId: number, info: answers.PortInfo): Promise<PortReading> {
    const stats = isCountable(info) ? await this.#ask(answers.portStats, '/ethdev/stats', portId) : null
    const link = await this.#ask(answers.linkStatus, '/ethdev/link_status', portId)
    const xstats = isCountable(info) ? await this.#xstats(portId) : noXstats
    return { portId, info, stats, link, ...xstats }
  }

  async #xstats(portId: number): Promise<Pick<PortReading, 'xstats' | 'xstatsComplete'>> {
    const command = `/ethdev/xstats,${portId}`
    if (!this.#known.has('/ethdev/xstats')) return noXstats
    const { text, bytes, cut } = await exchange(this.#relay, command)
    // A port that has none, or cannot say: net_vhost without a peer.
    if (answers.isNothing(command, text)) return noXstats
    const read = answers.readAnswer(answers.xstats, command, text)
    const whole = !cut && bytes < this.#greeting.max_output_len - BOUND_MARGIN_BYTES
    return { xstats: read ?? [], xstatsComplete: whole && read !== null && read.length < DICT_ENTRIES }
  }

  async #each<Id extends string | number, T>(
    ids: z.ZodType<Id[]>,
    listCommand: string,
    info: z.ZodType<T>,
    infoCommand: string,
  ): Promise<T[]> {
    const all: T[] = []
    for (const id of (await this.#ask(ids, listCommand)) ?? []) {
      const one = await this.#ask(info, infoCommand, id)
      if (one !== null) all.push(one)
    }
    return all
  }

  async #ask<T>(schema: z.ZodType<T>, path: string, parameter?: string | number): Promise<T | null> {
    if (!this.#known.has(path)) return null
    return ask(this.#relay, schema, parameter === undefined ? path : `${path},${parameter}`)
  }
}

/**
 * A port that is not configured yet has no queues to count. Asked nevertheless, net_vhost of 22.11 crashes with the whole
 * program: it knows the number of its queues before there are any.
 */
function isCountable({ dev_configured }: answers.PortInfo): boolean {
  return dev_configured !== 0
}

async function ask<T>(relay: Relay, schema: z.ZodType<T>, command: string): Promise<T | null> {
  const { text } = await exchange(relay, command)
  return answers.readAnswer(schema, command, text)
}

async function exchange(relay: Relay, command: string): Promise<{ text: string; bytes: number; cut: boolean }> {
  const answer = await relay.ask(command)
  if (answer.kind === 'text') return answer
  // Not asked at all: the program has a name that is no parameter. It costs that name.
  if (answer.reason === 'EINVAL') return { text: 'null', bytes: 0, cut: false }
  throw new ConnectionLost(command.split(',', 1)[0] ?? '', answer.reason, answer.message)
}
