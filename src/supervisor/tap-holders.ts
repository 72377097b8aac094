import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Readable, Writable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { createLogger } from '../log.js'

const log = createLogger({ component: 'supervisor' })
const defaultProgram = fileURLToPath(new URL('../../build/Release/spillway-hold', import.meta.url))
/** It takes milliseconds. Without it the worker starts all the same. */
const HOLD_DEADLINE_MS = 2_000

type Holder = ChildProcessByStdio<Writable, Readable, Readable>

/**
 * Keeps a queue of each of these taps without traffic, by a process for each, since Node has no ioctl. So a tap has its
 * carrier, its neighbours and its routing sessions while no worker is attached.
 */
export class TapHolders {
  readonly #taps: readonly string[]
  readonly #program: string
  #held: readonly Holder[] = []

  constructor(taps: readonly string[], program = defaultProgram) {
    this.#taps = taps
    this.#program = program
  }

  /** Holds every tap anew, before it lets go of it: one that was deleted and made again is another. */
  async hold(): Promise<void> {
    const before = this.#held
    const now = this.#taps.map((tap) => ({ tap, child: this.#start(tap) }))
    this.#held = [...before, ...now.map(({ child }) => child)]
    await Promise.all(now.map(({ tap, child }) => this.#answer(tap, child)))
    for (const child of before) child.stdin.end()
    this.#held = this.#held.filter((child) => !before.includes(child))
  }

  /** Also of those that do not answer yet; one that hangs in the kernel does not keep this process. */
  release(): void {
    for (const child of this.#held) {
      child.stdin.end()
      child.stdout.destroy()
      child.stderr.destroy()
      child.unref()
    }
    this.#held = []
  }

  #start(tap: string): Holder {
    const child = spawn(this.#program, [tap], { stdio: ['pipe', 'pipe', 'pipe'], env: {} })
    // A program that is not there, and a pipe whose reader is gone: `close` tells.
    child.on('error', () => {})
    child.stdin.on('error', () => {})
    return child
  }

  async #answer(tap: string, child: Holder): Promise<void> {
    let said = ''
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      said = (said + text).slice(-1000)
    })
    const late = AbortSignal.timeout(HOLD_DEADLINE_MS)
    const held = await Promise.race([
      once(child.stdout, 'data', { signal: late }).then(() => true),
      once(child, 'close').then(() => false),
    ]).catch(() => false)
    if (!this.#held.includes(child)) return
    if (held) log.debug({ tap, pid: child.pid }, 'tap is held')
    else log.warn({ tap, reason: said.trim() || 'no answer' }, 'tap is not held: it loses its carrier with the worker')
  }
}
