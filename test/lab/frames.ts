import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { gone } from '../../src/lab/commands.js'
import type { Namespace } from '../../src/lab/namespaces.js'
import { spawnInside } from '../../src/lab/processes.js'

/** Node has no packet sockets; python3 is there, since node-gyp needs it. */
const script = fileURLToPath(new URL('frames.py', import.meta.url))

/** Sends frames, given in hex, past the kernel's IP stack. */
export async function sendFrames(namespace: Namespace, netdev: string, frames: readonly string[]): Promise<void> {
  await namespace.run(['python3', script, 'send', netdev], `${frames.join('\n')}\n`)
}

/** Sends frames that each begin with a virtio-net header: what that asks for, the netdev or its kernel has to do. */
export async function askFrames(namespace: Namespace, netdev: string, frames: readonly string[]): Promise<void> {
  await namespace.run(['python3', script, 'ask', netdev], `${frames.join('\n')}\n`)
}

export interface Capture {
  /** Frames that arrived so far, in hex. */
  readonly frames: readonly string[]
  stop(): Promise<void>
}

/** Resolves when it listens. */
export async function captureFrames(namespace: Namespace, netdev: string): Promise<Capture> {
  const child = spawnInside(namespace, ['python3', script, 'capture', netdev], {
    stdio: ['ignore', 'pipe', 'inherit'],
    whenOrphaned: 'SIGKILL',
  })
  const lines = createInterface({ input: child.stdout ?? Readable.from([]) })
  const frames: string[] = []
  await Promise.race([once(lines, 'line'), once(child, 'exit')])
  lines.on('line', (line) => frames.push(line))
  return {
    frames,
    stop: async () => {
      child.kill('SIGKILL')
      await gone(child)
    },
  }
}
