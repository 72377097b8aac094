import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'

const server = fileURLToPath(new URL('../fixtures/telemetry-server.py', import.meta.url))
const recordedFile = new URL('../fixtures/telemetry/24.11/testpmd-net-null.json', import.meta.url)
const peers: ChildProcess[] = []

/** Answers by command, as telemetry-server.py wants them. */
export type Answers = Readonly<Record<string, string | readonly string[]>>

/** What a real testpmd of 24.11 answered, with one port left. */
export const onePort: Record<string, string> = {
  ...Object.fromEntries(
    Object.entries(JSON.parse(readFileSync(recordedFile, 'utf8'))).map(([command, answer]) => [
      command,
      JSON.stringify(answer),
    ]),
  ),
  '/ethdev/list': JSON.stringify({ '/ethdev/list': [0] }),
}

/** A peer on a telemetry socket. */
export async function startPeer(path: string, answers: Answers): Promise<void> {
  mkdirSync(dirname(path), { recursive: true })
  const child = spawn('python3', [server, path, JSON.stringify(answers)], {
    stdio: ['ignore', 'pipe', 'inherit'],
    detached: true,
  })
  peers.push(child)
  await once(child.stdout, 'data')
}

/** For an `afterEach`, and for a program that goes. */
export async function endPeers(): Promise<void> {
  for (const child of peers.splice(0)) {
    const gone = once(child, 'close')
    // With those that serve a connection.
    if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL')
    await gone
  }
}
