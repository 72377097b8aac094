import { mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'

/**
 * Fails the run when a test leaves something behind: a process, a named network namespace, a network device, or a file
 * in the temporary folder. A leaked child would only make vitest wait ten seconds and pass.
 *
 * Processes are known by a mark in their environment, which most inherit; a program that was given an environment of its
 * own is found as an orphan that lives in this checkout. A namespace without a name lives as long as its processes.
 */
export function setup() {
  const mark = `LEAK_CHECK_RUN=${process.pid}-${Date.now()}`
  const [name = '', value = ''] = mark.split('=')
  const folder = mkdtempSync(join(tmpdir(), 'spillway-test-'))
  const startedBefore = new Set(pids())
  const before = { namespaces: namedNamespaces(), devices: networkDevices() }
  process.env[name] = value
  process.env.TMPDIR = folder

  return async () => {
    const leftProcesses = await settle(() => leakedProcesses(startedBefore, mark))
    const left = [
      ...leftProcesses.map((pid) => `process ${pid}: ${commandLine(pid)}`),
      ...added(before.namespaces, namedNamespaces()).map((netns) => `network namespace ${netns}`),
      ...added(before.devices, networkDevices()).map((device) => `network device ${device}`),
      ...entries(folder).map((entry) => `file ${join(folder, entry)}`),
    ]
    for (const pid of leftProcesses) kill(pid)
    rmSync(folder, { recursive: true, force: true })
    if (left.length === 0) return
    process.exitCode = 1 // vitest prints what a teardown throws and still exits with 0
    throw new Error(`the tests left behind:\n  ${left.join('\n  ')}`)
  }
}

/** What is on its way out gets two seconds: an orphan is gone when its parent's death has reached it. */
async function settle(look: () => number[]): Promise<number[]> {
  let found = look()
  for (let tries = 0; found.length > 0 && tries < 20; tries++) {
    await new Promise((done) => setTimeout(done, 100))
    found = look()
  }
  return found
}

function leakedProcesses(startedBefore: ReadonlySet<number>, mark: string): number[] {
  const checkout = resolve(import.meta.dirname, '..')
  return pids().filter((pid) => {
    if (pid === process.pid || startedBefore.has(pid) || isVitest(pid)) return false
    return environment(pid).includes(mark) || (isOrphan(pid) && livesIn(pid, checkout))
  })
}

/** Vitest's own pool and its bundler's helpers are our children and still there when this runs. */
function isVitest(pid: number): boolean {
  return parent(pid) === process.pid && commandLine(pid).includes('node_modules/')
}

/** Its parent is gone and init, or whoever stands in for it, has taken it over. */
function isOrphan(pid: number): boolean {
  const holder = parent(pid)
  return holder === 1 || commandLine(holder) === ''
}

function livesIn(pid: number, checkout: string): boolean {
  return read(() => readlinkSync(`/proc/${pid}/cwd`)) === checkout || commandLine(pid).includes(`${checkout}/`)
}

function parent(pid: number): number {
  // The name in parentheses may hold spaces and parentheses; the fields after the last one cannot.
  const stat = read(() => readFileSync(`/proc/${pid}/stat`, 'utf8'))
  return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1] ?? 0)
}

function commandLine(pid: number): string {
  return read(() => readFileSync(`/proc/${pid}/cmdline`, 'utf8'))
    .replaceAll('\0', ' ')
    .trim()
}

function environment(pid: number): string[] {
  return read(() => readFileSync(`/proc/${pid}/environ`, 'utf8')).split('\0')
}

function pids(): number[] {
  return readdirSync('/proc')
    .map(Number)
    .filter((pid) => pid > 0)
}

function namedNamespaces(): string[] {
  return entries('/run/netns')
}

function networkDevices(): string[] {
  return entries('/sys/class/net')
}

function entries(folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}

function added(before: readonly string[], after: readonly string[]): string[] {
  return after.filter((entry) => !before.includes(entry))
}

function kill(pid: number) {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It went away by itself meanwhile.
  }
}

/** A process may end, or belong to somebody else, between any two looks at it. */
function read(look: () => string): string {
  try {
    return look()
  } catch {
    return ''
  }
}
