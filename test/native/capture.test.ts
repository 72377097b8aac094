import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, describe, expect, test } from 'vitest'
import { readPcapng } from '../pcapng.js'
import { endCommands } from './built-command.js'
import { eventually, nullPorts, type RunProcess, startRun } from './run-process.js'

const command = fileURLToPath(new URL('../../bin/spillway.mjs', import.meta.url))
const captures: ChildProcess[] = []
afterEach(async () => {
  for (const child of captures.splice(0)) child.kill('SIGKILL')
  await endCommands()
})

const env = (run: RunProcess) => ({ PATH: process.env.PATH, RUNTIME_DIRECTORY: run.folder })

function capture(run: RunProcess, ...args: string[]) {
  return spawnSync(process.execPath, [command, 'capture', ...args], { env: env(run), maxBuffer: 2 ** 28 })
}

/** One that goes on; `ended` resolves with what it wrote. */
function captureOn(run: RunProcess, ...args: string[]) {
  const child = spawn(process.execPath, [command, 'capture', ...args], {
    env: env(run),
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  captures.push(child)
  const chunks: Buffer[] = []
  child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk))
  let stderr = ''
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    stderr += chunk
  })
  const ended = once(child, 'close').then(([exitCode]) => ({ exitCode, stderr, stdout: Buffer.concat(chunks) }))
  return { child, ended, received: () => Buffer.concat(chunks).length }
}

async function stop(run: RunProcess): Promise<void> {
  run.child.kill('SIGTERM')
  expect(await run.ended).toEqual({ exitCode: 0, signal: null })
  expect(run.stderr()).not.toMatch(/mbufs did not come back|worker died/)
}

/** Whether the prover uses its CPU: it waits for questions otherwise. */
function proverIsBusy(parent: number): boolean {
  const children = readFileSync(`/proc/${parent}/task/${parent}/children`, 'utf8').trim().split(' ')
  return children.some((pid) => /^\d+ \(spillway-prover\) R /.test(readFileSync(`/proc/${pid}/stat`, 'utf8')))
}

const dropping = { ...nullPorts, rules: [{ name: 'all', match: 'len >= 60', to: 'drop' }] }

describe('spillway capture', () => {
  test('writes as many packets as asked, which tcpdump reads, under the name of the port', async () => {
    const run = startRun(nullPorts)
    await run.ready()
    const { stdout, stderr, status } = capture(run, '--where', 'received', '--port', 'b', '--count', '50')
    expect(status).toBe(0)
    const { interfaces, packets, statistics } = readPcapng(stdout)
    expect(interfaces).toEqual(['b'])
    expect(packets).toHaveLength(50)
    const nowMs = Date.now()
    for (const packet of packets) {
      expect(packet).toMatchObject({ interface: 0, originalLength: 64, direction: 'in', comment: 'received' })
      expect(packet.bytes).toHaveLength(64)
      expect(Math.abs(nowMs - packet.atMs)).toBeLessThan(60_000)
    }
    expect(statistics).toHaveLength(1)
    expect(stderr.toString()).toMatch(/^capture: 50 packets written, [\d,]+ packets came by\n/)
    expect(stderr.toString()).toMatch(/^capture: cost [\d.]+ cycles for each that came by, [\d.]+ % of the time/m)
    const read = execFileSync('tcpdump', ['-n', '-r', '-'], { input: stdout, encoding: 'utf8', stdio: 'pipe' })
    expect(read.trim().split('\n')).toHaveLength(50)
    await stop(run)
  })

  test('at the drops of one reason sees those and no others, cut to the length asked', async () => {
    const run = startRun(dropping)
    await run.ready()
    const { packets } = readPcapng(capture(run, '-w', 'dropped:rule', '-n', '20', '--snaplen', '20').stdout)
    expect(packets.map(({ comment }) => comment)).toEqual(Array(20).fill('rule'))
    for (const { bytes, originalLength } of packets) expect([bytes.length, originalLength]).toEqual([20, 64])
    const { stdout, stderr } = capture(run, '-w', 'dropped:tx_full', '-w', 'forwarded', '--seconds', '1')
    expect(readPcapng(stdout).packets).toEqual([])
    expect(stderr.toString()).toContain('capture: 0 packets written, 0 packets came by')
    await stop(run)
  })

  test('takes what its filter wants', async () => {
    const run = startRun(nullPorts)
    await run.ready()
    const wanted = capture(run, '-w', 'forwarded', '-f', 'ether[0] = 0 and len >= 64', '-n', '5')
    expect(readPcapng(wanted.stdout).packets).toHaveLength(5)
    const unwanted = capture(run, '-w', 'forwarded', '-f', 'udp port 53', '--seconds', '1')
    expect(readPcapng(unwanted.stdout).packets).toHaveLength(0)
    expect(unwanted.stderr.toString()).toMatch(/0 packets written, [\d,]{6,} packets came by/)
    await stop(run)
  })

  test('keeps to its limit, and says what it left out', async () => {
    const run = startRun(nullPorts)
    await run.ready()
    const { stdout, stderr } = capture(run, '-w', 'received', '--pps', '1000', '--count', '1000')
    const { packets } = readPcapng(stdout)
    expect(packets).toHaveLength(1000)
    // One lcore sees them: a bucket of 100 tokens (make_producer() of capture.c) that begins full and gets one a millisecond.
    const times = packets.map(({ atMs }) => atMs)
    const spanMs = Math.max(...times) - Math.min(...times)
    // Of the clocks that date and limit, EAL's may be a thousandth off.
    expect(packets.length).toBeLessThanOrEqual(100 + 1.005 * spanMs + 1)
    expect(stderr.toString()).toMatch(/capture: [\d,]+ packets left out by --sample and --pps/)
    await stop(run)
  })

  test('takes every n-th packet as its sample', async () => {
    const run = startRun(nullPorts)
    await run.ready()
    const { stderr } = capture(run, '-w', 'received', '--pps', '0', '--count', '500', '--sample', '10')
    const told = (what: string): number =>
      Number(new RegExp(`([\\d,]+) packets? ${what}`).exec(stderr.toString())?.[1]?.replaceAll(',', ''))
    expect(told('came by')).toBeGreaterThanOrEqual(10 * (500 - 1))
    expect(told('came by') - told('left out')).toBe(Math.ceil(told('came by') / 10))
    await stop(run)
  })

  test('ends in order when it is told to, with all that it saw', async () => {
    const run = startRun(nullPorts)
    await run.ready()
    const going = captureOn(run, '-w', 'received', '--pps', '100')
    await eventually('packets', () => going.received() > 2000 || undefined)
    going.child.kill('SIGINT')
    const { exitCode, stdout, stderr } = await going.ended
    expect(exitCode).toBe(0)
    const { packets, statistics } = readPcapng(stdout)
    expect(statistics).toHaveLength(1)
    expect(stderr).toContain(`capture: ${packets.length.toLocaleString('en-US')} packets written`)
    await stop(run)
  })

  test('whose reader goes away ends, and another can begin', async () => {
    const run = startRun(nullPorts)
    await run.ready()
    const going = captureOn(run, '-w', 'received')
    await eventually('packets', () => going.received() > 0 || undefined)
    const second = capture(run, '-w', 'received', '-n', '1')
    expect(second).toMatchObject({ status: 75 })
    expect(second.stderr.toString()).toContain('ERR_BUSY: another capture is under way')
    going.child.kill('SIGKILL')
    await going.ended
    await eventually('room for another', () => capture(run, '-w', 'received', '-n', '1').status === 0 || undefined)
    await stop(run)
  })

  test('that nobody reads holds nobody up, and a stop ends it', async () => {
    const run = startRun(nullPorts)
    await run.ready()
    const going = captureOn(run, '-w', 'received', '--pps', '0')
    going.child.stdout?.pause()
    await eventually('a full pipe', async () => {
      const before = (await run.status()).ports[0]?.totals.rxPackets ?? 0
      const after = await eventually('packets go on', async () => {
        const now = (await run.status()).ports[0]?.totals.rxPackets ?? 0
        return now > before + 1_000_000 ? now : undefined
      })
      return after > 0 || undefined
    })
    await stop(run)
  })

  test('whose reader has enough is no accident', async () => {
    const run = startRun(nullPorts)
    await run.ready()
    const script = `"$0" "$1" capture -w received | head -c 5000 >/dev/null; exit "\${PIPESTATUS[0]}"`
    const { status, stderr } = spawnSync('bash', ['--norc', '-c', script, process.execPath, command], {
      env: env(run),
      encoding: 'utf8',
    })
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
    await stop(run)
  })

  test('ends after its time also when nobody reads, and another can begin', async () => {
    const run = startRun(nullPorts)
    await run.ready()
    const going = captureOn(run, '-w', 'received', '--pps', '0', '--seconds', '1')
    going.child.stdout?.pause()
    await eventually('the end', () => run.stderr().includes('"msg":"capture ended"') || undefined)
    expect(capture(run, '-w', 'received', '-n', '1').status).toBe(0)
    await stop(run)
  })

  test('that is asked to end while it begins ends', async () => {
    const run = startRun(nullPorts)
    await run.ready()
    const hosts = Array.from({ length: 170 }, (_, host) => `host 10.1.${host}.1`).join(' or ')
    const going = captureOn(run, '-w', 'received', '-f', hosts)
    await eventually('the proof of the filter', () => proverIsBusy(run.child.pid ?? 0) || undefined)
    going.child.kill('SIGINT')
    expect(await going.ended).toMatchObject({ exitCode: 0 })
    await stop(run)
  })

  test('ends with the worker, and the next worker has none', async () => {
    const run = startRun(nullPorts)
    const { worker } = await run.ready()
    const going = captureOn(run, '-w', 'received', '--pps', '10')
    await eventually('packets', () => going.received() > 0 || undefined)
    process.kill(worker.pid ?? 0, 'SIGKILL')
    expect(await going.ended).toMatchObject({ exitCode: 0, stderr: 'capture: the worker ended with it\n' })
    await eventually('the next worker', async () => {
      const status = await run.status()
      return (status.ready && status.worker.pid !== worker.pid) || undefined
    })
    expect(capture(run, '-w', 'received', '-n', '1').status).toBe(0)
    run.child.kill('SIGTERM')
    await run.ended
  })

  test.each([
    [['-w', 'nowhere'], 64, 'where: expected one of received, forwarded, punted, injected, dropped, dropped:REASON'],
    [['-w', 'dropped:tx_ful'], 64, 'did you mean tx_full?'],
    [['-p', 'c'], 64, 'port: expected one of a, b, found "c"'],
    [['-f', 'udp prot 5'], 78, 'syntax error, found "udp prot 5"'],
    [['-f', 'host example.org'], 78, 'rule "filter"'],
    [['--snaplen', '1'], 64, 'expected a whole number from 16 to 16384'],
  ])('refuses %j', async (args, status, message) => {
    const run = startRun(nullPorts)
    await run.ready()
    const refused = capture(run, ...args)
    expect(refused.stderr.toString()).toContain(message)
    expect(refused.status).toBe(status)
    await stop(run)
  })

  test('leaves no trace of itself in the folder of the run', async () => {
    const run = startRun(nullPorts)
    await run.ready()
    const file = join(run.folder, 'out.pcapng')
    expect(capture(run, '-w', 'received', '-n', '3', '-o', file).status).toBe(0)
    expect(readPcapng(readFileSync(file)).packets).toHaveLength(3)
    await stop(run)
  })
})
