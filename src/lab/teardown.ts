/** What has to be undone, in the opposite order of doing. Everything is tried, also after an error. */
export class Teardown {
  private readonly steps: (() => Promise<unknown>)[] = []

  defer(step: () => Promise<unknown>): void {
    this.steps.push(step)
  }

  /** @throws the first error, after everything was tried. */
  async run(): Promise<void> {
    const errors: unknown[] = []
    for (let step = this.steps.pop(); step !== undefined; step = this.steps.pop()) {
      await step().catch((error: unknown) => errors.push(error))
    }
    if (errors.length > 0) throw errors[0]
  }
}
