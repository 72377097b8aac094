import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { endWithin } from '../../lab/commands.js'
import type { Namespace } from '../../lab/namespaces.js'
import { spawnInside } from '../../lab/processes.js'

/** native/test/flood.c */
const program = fileURLToPath(new URL('../../../build/Release/spillway-flood', import.meta.url))
const patienceMs = 5_000

export interface Flood {
  /** Resolves with the frames that the kernel took. */
  stop(): Promise<number>
}

/** Sends `frame` (in hex) from `netdev` at an even rate, past the namespace's IP stack, until stopped. */
export function startFlood(
  namespace: Namespace,
  netdev: string,
  { pps, frame }: { readonly pps: number; readonly frame: string },
): Flood {
  const child = spawnInside(namespace, [program, netdev, String(pps), frame], {
    stdio: ['pipe', 'pipe', 'inherit'],
    whenOrphaned: 'SIGKILL',
  })
  let output = ''
  child.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
    output += chunk
  })
  const closed = once(child, 'close')
  return {
    stop: async () => {
      child.stdin?.end()
      await endWithin(child, patienceMs)
      await closed
      const sent = Number(output)
      if (output === '' || !Number.isInteger(sent)) throw new Error(`spillway-flood said "${output}"`)
      return sent
    },
  }
}
