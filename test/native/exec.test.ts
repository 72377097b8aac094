import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { endCommands } from './built-command.js'
import { processState, startExec } from './exec-process.js'
import { eventually } from './run-process.js'

afterEach(endCommands)

/** Says that it is there, and what it gets; ends as `end` says. */
const shell = (script: string): string[] => ['sh', '-c', script]
const waiting = (traps: string): string[] => shell(`${traps}; echo up; while :; do sleep 0.05; done`)
const quickly = { restart: { maxFailures: 3, backoffInitialMs: 10, backoffMaxMs: 10 } }

describe('exec before a program', () => {
  test.each([
    ['a program that there is not', ['no-such-program'], 69, 'ERR_MISSING_TOOL: need the program no-such-program'],
    ['a file that is no program', ['/etc/passwd'], 69, 'ERR_MISSING_TOOL: need the program /etc/passwd'],
    ['{pci} without a VF', ['true', '{pci}'], 69, 'ERR_PLACEHOLDER: {pci}: need the PCI address of a VF'],
    ['{tap} without a tap', ['true', '{tap}'], 69, 'ERR_PLACEHOLDER: {tap}: need the tap of a port'],
    ['a placeholder that there is not', ['true', '{lcore}'], 64, 'did you mean {lcores}?'],
  ])('refuses %s and starts nothing', async (_what, argv, exitCode, words) => {
    const exec = startExec(argv)
    expect(await exec.ended).toEqual({ exitCode, signal: null })
    expect(exec.stderr()).toContain(words)
    expect(exec.stderr()).not.toContain('program started')
  })

  test.each([
    ["that is BusyBox's", `echo "setpriv: unrecognized option '$1'" >&2; exit 1`, "unrecognized option '--pdeathsig'"],
    ['that there is not', undefined, 'none in PATH'],
  ])('refuses a setpriv %s', async (_what, script, words) => {
    const path = mkdtempSync(join(tmpdir(), 'path-'))
    const tools = ['sh', 'taskset'].map((tool) => [tool, ['/usr/bin', '/bin'].map((at) => join(at, tool))] as const)
    for (const [tool, places] of tools) symlinkSync(places.find(existsSync) ?? tool, join(path, tool))
    if (script !== undefined) writeFileSync(join(path, 'setpriv'), `#!/bin/sh\n${script}\n`, { mode: 0o755 })
    const exec = startExec(['sh', '-c', 'echo started'], { env: { PATH: path } })
    expect(await exec.ended).toEqual({ exitCode: 69, signal: null })
    expect(exec.stderr()).toContain(`ERR_MISSING_TOOL: need setpriv with --pdeathsig, found`)
    expect(exec.stderr()).toContain(words)
    expect(exec.stdout()).toBe('')
    rmSync(path, { recursive: true })
  })

  test('refuses a runtime directory in whose path a telemetry socket has no room', async () => {
    const exec = startExec(['true', '{eal}'], { env: { RUNTIME_DIRECTORY: `/tmp/${'x'.repeat(90)}`, TMPDIR: '/tmp' } })
    // The folder is not there: the one for temporary files is short enough.
    expect(await exec.ended).toEqual({ exitCode: 0, signal: null })
  })
})

describe('a program under exec', () => {
  test('has its secrets to itself: they are in no log, no answer and no page', async () => {
    const secrets = ['--api-key', 'abc123', '--password', 'hunter2', '--token=zzz']
    const exec = startExec([...waiting(':'), 'sh', ...secrets])
    await exec.says('up')
    const answers = await Promise.all(['/', '/api/v1/status', '/api/v1/log'].map((path) => exec.get(path)))
    const told = [exec.stderr(), ...answers.map(({ text }) => text)]
    for (const text of told) expect(text).toContain('--api-key')
    for (const text of told) expect(text).not.toMatch(/abc123|hunter2|zzz/)
  })

  test('gets its arguments filled in, a runtime directory of its own, and the housekeeping CPUs', async () => {
    const script =
      'for a in "$@"; do echo "<$a>"; done; echo "dir $RUNTIME_DIRECTORY"; grep Cpus_allowed_list /proc/self/status'
    const exec = startExec([...shell(script), 'sh', '{eal}', '--', '-l={lcores}'])
    expect(await exec.ended).toEqual({ exitCode: 0, signal: null })
    const [lines, dir] = [exec.stdout().split('\n'), /^dir (.*)$/m.exec(exec.stdout())?.[1] ?? '']
    expect(lines).toContain('<--no-huge>')
    expect(lines).toContain('<-->')
    expect(lines).toContain('<-l=0@(0),1@1>')
    expect(exec.stdout()).toMatch(/^<--file-prefix=[\w.-]+-\d+>$/m)
    expect(dir).toContain(`${exec.folder}/spillway-run-`)
    expect(exec.stdout()).toMatch(/^Cpus_allowed_list:\t0$/m)
    // Nothing of it is left.
    expect(readdirSync(exec.folder)).toEqual(['spillway.yaml'])
  })

  test('has our stdin and stdout', async () => {
    const exec = startExec(shell('read line; echo "read $line"'))
    exec.child.stdin?.end('hello\n')
    expect(await exec.ended).toEqual({ exitCode: 0, signal: null })
    expect(exec.stdout()).toBe('read hello\n')
  })

  test('that fails is started again, and after restart.maxFailures it is given up', async () => {
    const exec = startExec(shell('echo once; exit 3'), { config: quickly })
    expect(await exec.ended).toEqual({ exitCode: 75, signal: null })
    expect(exec.stdout()).toBe('once\n'.repeat(3))
    expect(exec.stderr()).toContain(
      'ERR_PROGRAM_GAVE_UP: the program failed 3 times in a row; the last time it ended with exit code 3',
    )
  })

  test('that is killed is started again, which metrics and status say', async () => {
    const exec = startExec(waiting(':'), { config: quickly })
    const first = await exec.program()
    process.kill(first, 'SIGKILL')
    const second = await exec.program(first)
    expect(processState(second)).toBeDefined()
    expect((await exec.get('/metrics')).text).toContain('spillway_program_restarts_total{cause="killed"} 1\n')
    expect(JSON.parse((await exec.get('/api/v1/status')).text)).toMatchObject({
      program: { pid: second, lastDeath: { cause: 'killed', message: 'ended with signal SIGKILL' } },
    })
  })

  test('dies with exec, however that dies', async () => {
    const exec = startExec(waiting('trap "" TERM INT HUP'))
    const pid = await exec.program()
    await exec.says('up')
    exec.child.kill('SIGKILL')
    await eventually('the program is gone', () => (processState(pid) === undefined ? true : undefined))
  })
})

describe('a stop of exec', () => {
  test.each(['SIGTERM', 'SIGINT', 'SIGHUP'] as const)(
    'by %s reaches the program, whose end by it is clean',
    async (signal) => {
      const exec = startExec(waiting(':'))
      await exec.says('up')
      exec.child.kill(signal)
      expect(await exec.ended).toEqual({ exitCode: 0, signal: null })
    },
  )

  test("passes the program's own exit code on", async () => {
    const exec = startExec(waiting('trap "echo bye; exit 7" TERM'))
    await exec.says('up')
    exec.child.kill('SIGTERM')
    expect(await exec.ended).toEqual({ exitCode: 7, signal: null })
    expect(exec.stdout()).toContain('bye\n')
  })

  test('kills a program that does not listen, after --stop-timeout', async () => {
    const exec = startExec(waiting('trap "" TERM'), { options: ['--stop-timeout', '0.2'] })
    await exec.says('up')
    exec.child.kill('SIGTERM')
    expect(await exec.ended).toEqual({ exitCode: 137, signal: null })
  })

  test('ends a back-off', async () => {
    const exec = startExec(['false'], { config: { restart: { backoffInitialMs: 60_000, backoffMaxMs: 60_000 } } })
    await eventually('it waits', () => (exec.stderr().includes('after the back-off') ? true : undefined))
    exec.child.kill('SIGTERM')
    expect(await exec.ended).toEqual({ exitCode: 0, signal: null })
  })

  test.each(['SIGUSR1', 'SIGUSR2'] as const)(
    'is not what %s means: the program gets it and lives on',
    async (signal) => {
      const exec = startExec(waiting(`trap "echo got" ${signal.slice(3)}`))
      await exec.says('up')
      exec.child.kill(signal)
      await exec.says('got')
      exec.child.kill('SIGTERM')
      expect(await exec.ended).toEqual({ exitCode: 0, signal: null })
    },
  )
})

describe('dpdk-testpmd under exec', () => {
  test('is not asked to death: net_vhost of 22.11 crashes over its counters before it is configured', async () => {
    const exec = startExec(
      [
        'dpdk-testpmd',
        '{eal}',
        '--',
        '--auto-start',
        '--stats-period',
        '1',
        '--total-num-mbufs=4096',
        '--rxq=8',
        '--txq=8',
      ],
      {
        // Its socket goes with the folder.
        below: (command) => ['sh', '-c', `cd "$RUNTIME_DIRECTORY" && exec ${command}`],
        config: {
          memory: { pageSize: 'none', mib: 256 },
          ports: [{ name: 'a', device: 'net_vhost0,iface=vhost.sock,queues=8', exception: { backend: 'none' } }],
          forwarding: { mode: 'rxonly' },
        },
      },
    )
    await eventually(
      'it is ready',
      async () => (await exec.get('/readyz').catch(() => undefined))?.status === 200 || undefined,
    )
    expect((await exec.get('/metrics')).text).toContain('spillway_port_rx_packets_total{port="net_vhost0"} 0')
    expect(exec.stderr()).not.toContain('program failed')
  }, 60_000)
})

describe('on a terminal', () => {
  const below = (command: string): string[] => ['script', '-qefc', `exec ${command}`, '/dev/null']

  test('the program reads what is typed', async () => {
    const exec = startExec(shell('test -t 0 && test -t 1 && echo up; read line; echo "read $line"'), { below })
    await exec.says('up')
    exec.child.stdin?.write('hello\n')
    expect(await exec.ended).toEqual({ exitCode: 0, signal: null })
    expect(exec.stdout()).toContain('read hello')
  })

  test('Ctrl-C reaches the program once, and its end by it is not a failure', async () => {
    const exec = startExec(waiting('trap "echo got; sleep 0.3; exit 5" INT'), { below, config: quickly })
    await exec.says('up')
    exec.child.stdin?.write('\x03')
    expect(await exec.ended).toEqual({ exitCode: 5, signal: null })
    // Passed on as well, it would have come a second time while the first was dealt with.
    expect(exec.stdout().match(/^(\^C)?got\r?$/gm)).toHaveLength(1)
    expect(exec.stdout().match(/program started/g)).toHaveLength(1)
  })

  test('a program may live on after Ctrl-C', async () => {
    const exec = startExec(waiting('trap "echo not yet" INT; trap "exit 0" TERM'), {
      below,
      options: ['--stop-timeout', '0.1'],
    })
    await exec.says('up')
    const pid = await exec.program()
    exec.child.stdin?.write('\x03')
    await exec.says('not yet')
    exec.child.stdin?.write('\x03')
    await eventually('it was asked twice', () => (exec.stdout().match(/not yet/g)?.length === 2 ? true : undefined))
    expect(processState(pid)).toBeDefined()
    process.kill(Number(/^PPid:\t(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]), 'SIGTERM')
    expect(await exec.ended).toEqual({ exitCode: 0, signal: null })
  })
})
