import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type BuiltCommand, startCommand } from './built-command.js'
import { eventually, nullPorts } from './run-process.js'

const command = fileURLToPath(new URL('../../bin/spillway.mjs', import.meta.url))

/** The built `spillway exec`, as a container starts it. */
export interface ExecProcess extends BuiltCommand {
  get(path: string): Promise<{ readonly status: number; readonly text: string }>
  /** Waits for a program; `not` is the pid of the one before. */
  program(not?: number): Promise<number>
  /** Waits until the program has written this line to stdout. */
  says(words: string): Promise<void>
}

export interface ExecSpec {
  readonly options?: readonly string[]
  readonly config?: object
  /** Words before the command. */
  readonly below?: (command: string) => readonly string[]
  readonly env?: NodeJS.ProcessEnv
}

/** @param argv  the program and its arguments */
export function startExec(
  argv: readonly string[],
  { options = [], config = {}, below, env }: ExecSpec = {},
): ExecProcess {
  const folder = mkdtempSync(join(tmpdir(), 'x'))
  const file = join(folder, 'spillway.yaml')
  writeFileSync(file, JSON.stringify({ ...nullPorts, log: { format: 'json' }, ...config }))
  const words = [process.execPath, command, 'exec', '--config', file, ...options, '--', ...argv]
  const line = below ? below(words.map(quote).join(' ')) : words
  const started = startCommand(line, { folder, stdin: 'pipe', ...(env && { env }) })
  const { stdout, stderr } = started
  const logged = (pattern: RegExp): RegExpMatchArray | undefined =>
    // On a terminal both are one.
    [...`${stderr()}${stdout()}`.matchAll(new RegExp(pattern, 'g'))].at(-1)
  const url = (): Promise<string> => eventually('it listens', () => logged(/"address":"(http:[^"]+)"/)?.[1])
  return {
    ...started,
    get: async (path) => {
      const answer = await fetch(`${await url()}${path}`)
      return { status: answer.status, text: await answer.text() }
    },
    program: (not) =>
      eventually('a program is started', () => {
        const pid = Number(logged(/"pid":(\d+),"msg":"program started"/)?.[1])
        return pid > 0 && pid !== not ? pid : undefined
      }),
    says: async (wanted) => {
      await eventually(`it says ${wanted}`, () => (lines(stdout()).includes(wanted) ? true : undefined))
    },
  }
}

export function processState(pid: number): string | undefined {
  try {
    return /^State:\t(\w)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
  } catch {
    return undefined
  }
}

/** Without the terminal's echo of Ctrl-C. */
function lines(text: string): string[] {
  return text.split(/\r?\n/).map((line) => line.replace(/^(\^C)+/, ''))
}

function quote(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`
}
