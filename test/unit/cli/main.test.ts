import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Command } from 'commander'
import { describe, expect, it } from 'vitest'
import { buildProgram } from '../../../src/cli/main.js'
import { loadConfig } from '../../../src/config/load.js'
import { entry, spillway } from './command.js'

const hosts = new URL('../../fixtures/hosts/', import.meta.url).pathname

/** Writes at the exit which packages of package.json were loaded, of those that are CommonJS modules. */
const tellPackages = new URL('../../fixtures/tell-packages.mjs', import.meta.url).href

/** Calls `act` with a copy of the entry file next to a `dist` of just these files. */
function withEntry<Result>(dist: Record<string, string>, act: (entry: string) => Result): Result {
  const folder = mkdtempSync(join(tmpdir(), 'spillway-entry-'))
  try {
    mkdirSync(join(folder, 'bin'))
    copyFileSync(entry, join(folder, 'bin/spillway.mjs'))
    for (const [path, text] of Object.entries(dist)) {
      mkdirSync(join(folder, 'dist/cli'), { recursive: true })
      writeFileSync(join(folder, 'dist', path), text)
    }
    return act(join(folder, 'bin/spillway.mjs'))
  } finally {
    rmSync(folder, { recursive: true })
  }
}

describe('the command line', () => {
  it.each([
    [['nope'], "unknown command 'nope'"],
    [['config', '--sett', 'x'], '(Did you mean --set?)'],
    [['plan', '--format', 'xml'], 'Allowed choices are text, json, eal, env'],
    [['config', 'extra'], 'too many arguments'],
    [['config', '--set', 'burst'], '--set: expected path=value such as burst=64, found "burst"'],
  ])('%j is wrong usage: exit 64', (args, message) => {
    const { exitCode, stdout, stderr } = spillway(args)
    expect(stderr).toContain('spillway: ERR_USAGE: ')
    expect(stderr).toContain(message)
    expect(stdout).toBe('')
    expect(exitCode).toBe(64)
  })

  it('without a command prints help as an error', () => {
    const { exitCode, stdout, stderr } = spillway([])
    expect([exitCode, stdout]).toEqual([64, ''])
    expect(stderr).toContain('Usage: spillway')
  })

  it('names the defaults that the settings have', () => {
    const { lcores, http, log } = loadConfig({ env: {} }).config
    const help = spillway(['run', '--help']).stdout.replaceAll(/\s+/g, ' ')
    expect(help).toMatch(new RegExp(`--lcores <list> [^(]*\\(default: ${lcores}, see spillway plan\\)`))
    expect(help).toContain(`(default: ${http.listen})`)
    expect(help).toContain(`(default: ${log.level})`)
  })

  it.each([['--help'], ['--version'], ['help', 'plan']])('%s is no error', (...args) => {
    const { exitCode, stdout, stderr } = spillway(args)
    expect([exitCode, stderr]).toEqual([0, ''])
    expect(stdout).not.toBe('')
  })

  it('says on stderr what is wrong with the configuration, one line a problem: exit 78', () => {
    const { exitCode, stdout, stderr } = spillway(['config', '--set', 'burst=0'], { SPILLWAY_HTP_LISTEN: 'x' })
    expect(stderr.split('\n')).toEqual([
      'spillway: ERR_CONFIG: SPILLWAY_HTP_LISTEN: unknown variable with value "x", did you mean SPILLWAY_HTTP_LISTEN?',
      'spillway: ERR_CONFIG: burst: expected a whole number from 1 to 256 (packets), found 0 (--set)',
      expect.stringMatching(/^ {2}hint: /),
      '',
    ])
    expect([exitCode, stdout]).toEqual([78, ''])
  })

  it('says what the host lacks, after the plan that it can: exit 69', () => {
    const { exitCode, stdout, stderr } = spillway(['plan', '--root', join(hosts, 'laptop'), '--lcores', '9'])
    expect(stdout).toContain('polling CPUs')
    expect(stderr).toContain(
      'spillway: ERR_CPUS: lcores: need CPUs 9, but 9 may not be used; allowed are 0-3\n  hint: ',
    )
    expect(exitCode).toBe(69)
  })

  it('prints no half of a command line for scripts', () => {
    const args = ['plan', '--root', join(hosts, 'laptop'), '--lcores', '9', '--format', 'env']
    expect(spillway(args)).toMatchObject({ exitCode: 69, stdout: '' })
  })

  it('prints results on stdout, and what they miss on stderr', () => {
    const { exitCode, stdout, stderr } = spillway(['plan', '--root', join(hosts, 'laptop'), '--format', 'eal'])
    expect([exitCode, stderr]).toEqual([
      0,
      expect.stringMatching(/^spillway: missing: port vf0 has no kernel path.*\n$/),
    ])
    expect(stdout).toMatch(/^--lcores '0@\(0,2\),1@1' --no-huge .*\n$/)
  })

  it.each([
    ['its version', ['--version'], []],
    ['a plan', ['plan', '--root', join(hosts, 'laptop')], ['pino', 'yaml']],
    ['a refusal', ['run', '--set', 'lcores=4095'], ['pino', 'yaml']],
  ])('loads of our packages for %s no more than it takes', (_what, args, packages) => {
    const { stderr } = spillway(args, { NODE_OPTIONS: `--import=${tellPackages}` })
    expect(/^packages: (.*)$/m.exec(stderr)?.[1]?.split(' ')).toEqual(['commander', ...packages])
  })

  it('takes a reader that went away for a clean end', async () => {
    const child = spawn(process.execPath, [entry, 'config', '--format', 'json'], { stdio: ['ignore', 'pipe', 'pipe'] })
    // Nobody will ever read: the first write meets a closed pipe.
    child.stdout.destroy()
    const said: Buffer[] = []
    child.stderr.on('data', (chunk: Buffer) => said.push(chunk))
    const [exitCode] = (await once(child, 'close')) as [number]
    expect([exitCode, Buffer.concat(said).toString()]).toEqual([0, ''])
  })
})

describe('the entry file', () => {
  it('without a build says which command to run: exit 69', () => {
    const { exitCode, stderr } = withEntry({}, (program) => spillway(['run'], {}, program))
    expect(stderr).toContain('ERR_MISSING_TOOL')
    expect(stderr).toContain('`npm start` or `npm test`')
    expect(exitCode).toBe(69)
  })

  it('ends on a signal that comes while the program loads', () => {
    // A program that is asked to stop in the middle of its imports, as process 1 of a container would be.
    const main = `process.kill(process.pid, 'SIGTERM')\nawait new Promise((resolve) => setTimeout(resolve, 60_000))\n`
    expect(withEntry({ 'cli/main.js': main }, (program) => spillway([], {}, program)).exitCode).toBe(0)
  })

  it('leaves a signal to a command that handles it', () => {
    const main = `export async function main() {
      await new Promise((resolve) => {
        const timer = setTimeout(resolve, 60_000)
        process.on('SIGTERM', () => { clearTimeout(timer); process.stdout.write('stopped'); resolve() })
        process.kill(process.pid, 'SIGTERM')
      })
      process.exitCode = 5
    }`
    const { exitCode, stdout } = withEntry({ 'package.json': '{"type":"module"}', 'cli/main.js': main }, (program) =>
      spillway([], {}, program),
    )
    expect([exitCode, stdout]).toEqual([5, 'stopped'])
  })
})

describe('an error that nobody caught', () => {
  it('is a bug, with its stack: exit 70', () => {
    const breakLater = 'process.stdout.write=()=>{setImmediate(()=>{throw(new(Error)(%22late%22))})}'
    const { exitCode, stderr } = spillway(['config'], { NODE_OPTIONS: `--import=data:text/javascript,${breakLater}` })
    expect(stderr).toMatch(/^spillway: ERR_INTERNAL: Error: late\n {4}at /)
    expect(exitCode).toBe(70)
  })
})

function allCommands(command: Command): Command[] {
  return [command, ...command.commands.flatMap(allCommands)]
}

describe('--help', () => {
  const program = buildProgram()
  it.each(allCommands(program).map((command) => [command.name(), command] as const))(
    'of %s fits a screen',
    (_, command) => {
      command.configureOutput({ getOutHelpWidth: () => 80 })
      let text = ''
      command.configureOutput({
        writeOut: (part) => {
          text += part
        },
      })
      command.outputHelp()
      const lines = text.trimEnd().split('\n')
      expect(lines.length).toBeLessThanOrEqual(24)
      expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(80)
    },
  )
})
