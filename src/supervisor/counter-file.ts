import { randomUUID } from 'node:crypto'
import { closeSync, openSync, readSync, unlinkSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { SpillwayError } from '../errors.js'
import type { SlotRange, SlotSource } from '../stats/counter-reader.js'

/** Room for 131,072 slots: 64 lcores, 64 queues and 64 rules fill less than half of it. */
export const COUNTER_FILE_BYTES = 1 << 20
const BYTES = BigUint64Array.BYTES_PER_ELEMENT

/**
 * The shared counters of one worker life. The file has no name, so that nothing is left behind; the worker gets the
 * descriptor and maps it. Each life has its own file: a worker that dies slowly cannot write into its successor's,
 * and the last values stay readable until `close`.
 */
export class CounterFile implements SlotSource {
  readonly fd: number
  #values = new BigUint64Array(0)

  private constructor(fd: number) {
    this.fd = fd
  }

  /** In memory where /dev/shm can be written, else in the folder for temporary files. */
  static create(folders: readonly string[] = ['/dev/shm', tmpdir()]): CounterFile {
    const failures: unknown[] = []
    for (const folder of folders) {
      try {
        return new CounterFile(openUnnamed(folder))
      } catch (error) {
        failures.push(error)
      }
    }
    throw new SpillwayError('ERR_MEMORY', `need 1 MiB for the counter file in ${folders.join(' or ')}, found no room`, {
      hint: 'mount a tmpfs of at least 1 MiB on /dev/shm',
      cause: new AggregateError(failures),
    })
  }

  /** One `pread` a range. A value is never torn, two values are not of one instant. */
  read(ranges: readonly SlotRange[]): BigUint64Array {
    const slots = ranges.at(-1)?.end ?? 0
    if (this.#values.length < slots) this.#values = new BigUint64Array(slots)
    for (const { first, end } of ranges)
      readSync(this.fd, this.#values.subarray(first, end), 0, (end - first) * BYTES, first * BYTES)
    return this.#values
  }

  close(): void {
    closeSync(this.fd)
  }
}

function openUnnamed(folder: string): number {
  const path = join(folder, `spillway-counters-${randomUUID()}`)
  const fd = openSync(path, 'wx+', 0o600)
  try {
    unlinkSync(path)
    // Written, not only truncated: a full /dev/shm is an error here and would be a SIGBUS in the worker.
    writeSync(fd, new Uint8Array(COUNTER_FILE_BYTES), 0, COUNTER_FILE_BYTES, 0)
    return fd
  } catch (error) {
    closeSync(fd)
    throw error
  }
}
