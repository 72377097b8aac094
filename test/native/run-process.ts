import { chownSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { type Status, statusSchema } from '../../src/http/status.js'
import { type BuiltCommand, startCommand } from './built-command.js'

const command = fileURLToPath(new URL('../../bin/spillway.mjs', import.meta.url))
const plainly = [process.execPath, command]

/** Two ports that receive and take as much as an lcore can move, without a device, hugepages or rights. */
export const nullPorts = {
  lcores: '1',
  memory: { pageSize: 'none', mib: 128 },
  ports: [
    { name: 'a', device: 'net_null0', exception: { backend: 'none' } },
    { name: 'b', device: 'net_null1', exception: { backend: 'none' } },
  ],
  forwarding: { mode: 'io' },
  http: { listen: '127.0.0.1:0' },
}

/** The built `spillway run`, as a container starts it. */
export interface RunProcess extends BuiltCommand {
  /** Where it says that it listens. */
  url(): Promise<string>
  status(): Promise<Status>
  get(path: string): Promise<string>
  /** Waits until it forwards. */
  ready(): Promise<Status>
}

/** How it is started otherwise than plainly. */
interface Started {
  /** Words before the command, e.g. of test/native/restrictions.ts. */
  readonly below?: readonly string[]
  readonly args?: readonly string[]
  /** In place of node and the command. */
  readonly entry?: readonly string[]
  /** Who owns its folder, when it does not run as the tests' own user. */
  readonly uid?: number
}

/** @param config  the whole configuration; YAML reads JSON. */
export function startRun(config: object, { below = [], args = [], entry = plainly, uid }: Started = {}): RunProcess {
  const folder = mkdtempSync(join(tmpdir(), 'spillway-run-test-'))
  const file = join(folder, 'spillway.yaml')
  writeFileSync(file, JSON.stringify(config))
  if (uid !== undefined) chownSync(folder, uid, uid)
  const started = startCommand([...below, ...entry, 'run', '--config', file, ...args], { folder, stdin: 'ignore' })
  const { child, stderr } = started
  const url = (): Promise<string> =>
    eventually('it listens', () => {
      if (child.exitCode !== null) throw new Error(`it ended with ${child.exitCode}: ${stderr()}`)
      return /"address":"(http:[^"]+)"/.exec(stderr())?.[1]
    })
  const get = async (path: string): Promise<string> => (await fetch(`${await url()}${path}`)).text()
  const status = async (): Promise<Status> => statusSchema.parse(JSON.parse(await get('/api/v1/status')))
  const ready = (): Promise<Status> =>
    eventually('it is ready', async () => {
      const seen = await status()
      return seen.ready ? seen : undefined
    })
  return { ...started, url, get, status, ready }
}

/** Asks until there is an answer. */
export async function eventually<T>(what: string, ask: () => Promise<T | undefined> | T | undefined): Promise<T> {
  const deadline = performance.now() + 40_000
  for (;;) {
    const answer = await ask()
    if (answer !== undefined) return answer
    if (performance.now() > deadline) throw new Error(`not seen in 40 s: ${what}`)
    await sleep(20)
  }
}

/** Whether a process is there and not only a zombie that waits to be reaped. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

/** The child of that name (at most 15 characters of it), if there is one. */
export function childNamed(parent: number, name: string): number | undefined {
  const children = readFileSync(`/proc/${parent}/task/${parent}/children`, 'utf8').trim().split(' ').map(Number)
  return children.find((pid) => pid > 0 && nameOf(pid) === name)
}

function nameOf(pid: number): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/comm`, 'utf8').trim()
  } catch {
    return undefined // it has ended since it was listed
  }
}
