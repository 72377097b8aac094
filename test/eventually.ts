import { setTimeout as sleep } from 'node:timers/promises'

/** Asks again until there is an answer. What it waits for happens in milliseconds, or the test fails by its deadline. */
export async function eventually<T>(
  what: string,
  look: () => Promise<T | undefined | false> | T | undefined | false,
  deadlineMs = 60_000,
): Promise<T> {
  const deadline = Date.now() + deadlineMs
  let last: unknown
  while (Date.now() < deadline) {
    try {
      const found = await look()
      if (found !== undefined && found !== false) return found
    } catch (error) {
      last = error
    }
    await sleep(50)
  }
  throw new Error(`${what}: not in ${deadlineMs / 1000} s`, { cause: last })
}
