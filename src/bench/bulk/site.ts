/** What is compared: the same data plane with the offloads between kernel and Spillway, with the VF's too, and without. */
export const variants = {
  whole: '64 KiB at a time',
  device: 'and cut by the VF',
  packets: 'one MTU at a time',
} as const
export type Variant = keyof typeof variants

/** `ports[].offloads` of each. */
export const offloadsOf: Readonly<Record<Variant, Readonly<Record<string, boolean>>>> = {
  whole: { tap: true },
  device: { tap: true, tso: true, rxChecksum: true },
  packets: { tap: false },
}

export type Backend = 'tap' | 'vhost-net'

/** An end of the bulk transfers: a kernel with an address, and the command line that enters it. */
export interface End {
  readonly address: string
  enter(argv: readonly string[]): string[]
}

/** Where bulk TCP is measured: a pod's kernel behind a tap and a peer's behind a wire, with Spillway between them. */
export interface Site {
  readonly name: string
  readonly backends: readonly Backend[]
  /** The last is the one that the others are compared with. */
  readonly variants: readonly Variant[]
  readonly pod: End
  readonly peer: End
  /** Seconds of a transfer: long enough to be past TCP's slow start. */
  readonly seconds: number
  /** Resolves when Spillway forwards. */
  start(backend: Backend, variant: Variant): Promise<{ stop(): Promise<unknown> }>
}
