/** A figure for the reader of the run. Emulated time says nothing about a machine, so nothing is judged by it. */
export function record(what: string, value: string | number): void {
  process.stdout.write(`# ${what}: ${value}\n`)
}
