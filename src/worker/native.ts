import { createRequire } from 'node:module'
import type { CaptureResult, CounterLayout, NativeCapture, NativeRule, PortEvent, StartInfo } from '../ipc/messages.js'
import type { Plan } from '../plan/types.js'

/** What native code rejects with: errno and its name, the call that failed and what it was about. */
export interface NativeError extends Error {
  readonly errno: number
  readonly code: string
  readonly call: string
  readonly subject: string
  /** What more the failing call had to say: strerror's text, or what was found. */
  readonly detail: string
}

/** What `start` tells while it runs. */
export type NativeEvent =
  | PortEvent
  /** The tap was deleted and made again: what the data plane holds belongs to the one that is gone. */
  | { readonly kind: 'tapReplaced'; readonly port: string }
  | { readonly kind: 'captureEnded'; readonly result: CaptureResult }
  /** The device was reset and its port could not be brought back. */
  | { readonly kind: 'resetFailed'; readonly port: string; readonly message: string }

/** The whole addon. It assumes a valid plan: validation is TypeScript's, native code only guards its memory. */
export interface Native {
  readonly dpdkVersion: string
  /**
   * Starts EAL, ports, exception threads and lcores; the lcores wait for the first rule list. Copies `plan`.
   * Counters go to the file `counters` (a descriptor). `onEvent` gets link and address changes until `stop`.
   * Once per process. Rejects with {@link NativeError}.
   */
  start(plan: Plan, counters: number, onEvent: (event: NativeEvent) => void): Promise<StartInfo>
  /**
   * Compiles and swaps the rule list; resolves when every lcore runs it. The old list stays in force on error.
   * Rejects with {@link NativeError}, `subject` being the rule's name.
   */
  swapRules(rules: readonly NativeRule[]): Promise<CounterLayout>
  /**
   * Begins a capture, of the packets that the first rule of `filter` matches when it has two, else of all. One at a time.
   * Resolves when it is connected; its end is an event. Rejects with {@link NativeError}, EBUSY when there is one.
   */
  startCapture(capture: NativeCapture, filter: readonly NativeRule[]): Promise<void>
  /** Ends the capture, if there is one. */
  stopCapture(): Promise<void>
  /**
   * Stops lcores, exception threads, ports and EAL, in this order. Afterwards the process can only exit.
   * Resolves with the number of mbufs that did not come back to their pools: 0, or there is a leak; `stopStuck` when an lcore
   * stands still or a vhost-user neighbour hangs.
   */
  stop(): Promise<number>
}

/** `stop` freed nothing: an lcore stands still, or a vhost-user neighbour hangs. */
export const stopStuck = 0xffff_ffff

const addon = new URL('../../build/Release/spillway.node', import.meta.url)
export const native = createRequire(import.meta.url)(addon.pathname) as Native
