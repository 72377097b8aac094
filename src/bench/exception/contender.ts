/** TSC cycles that a program's own threads spent on packets: in loop turns, or bursts, that were not empty. */
export interface Work {
  readonly lcoreCycles: number
  /** 0 for a program without an exception thread. */
  readonly threadCycles: number
}

/** A program that carries packets between the VF and the tap. */
export interface Contender {
  readonly name: string
  /** Whether only its round-trip time is of interest. */
  readonly onlyRtt: boolean
  /** Resolves when it polls. */
  start(): Promise<Running>
}

export interface Running {
  /** Forwards while `drive` runs, and says what that took. */
  during(drive: () => Promise<void>): Promise<Work>
  stop(): Promise<void>
}
