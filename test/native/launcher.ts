import { spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { type Container, checkout, type Run, runInContainer, setCapabilities } from './container.js'

export const everyCapability = 'cap_ipc_lock,cap_net_raw,cap_net_admin+p'

/** What test/fixtures/launch/report.mjs prints. */
export interface Report {
  readonly program: string
  readonly arguments: readonly string[]
  readonly environment: Readonly<Record<string, string>>
  readonly status: Readonly<Record<string, string>>
  readonly secure: boolean
  readonly environ: string
  readonly pagemap: string
  readonly heapLimitMib: number
  readonly openDescriptors: readonly number[]
  readonly child: Readonly<Record<string, string>>
}

export interface LauncherSpec {
  readonly node?: string
  readonly entry?: string
  /** In setcap's words; empty for none. */
  readonly capabilities?: string
}

/** Builds a launcher for another node or entry point, from the sources that binding.gyp names. */
export function buildLauncher(
  file: string,
  {
    node = process.execPath,
    entry = `${checkout}/test/fixtures/launch/report.mjs`,
    capabilities = everyCapability,
  }: LauncherSpec = {},
): string {
  const sources = ['launch', 'privilege']
    .flatMap((folder) => readdirSync(`${checkout}/native/${folder}`).map((name) => `native/${folder}/${name}`))
    .filter((path) => path.endsWith('.c') && !path.endsWith('/drop.c'))
  const constants = [`-DLAUNCH_NODE="${node}"`, `-DLAUNCH_ENTRY="${entry}"`]
  const flags = ['-std=gnu11', '-O1', '-static', '-D_GNU_SOURCE', ...constants]
  const { status, stderr } = spawnSync(process.env.CC ?? 'cc', [...flags, ...sources, '-o', file], {
    cwd: checkout,
    encoding: 'utf8',
  })
  if (status !== 0) throw new Error(`building a launcher failed: ${stderr}`)
  if (capabilities !== '') setCapabilities(file, capabilities)
  return file
}

/** Runs a launcher of the reporting entry point. */
export function launch(container: Container, ...command: string[]): Report & { stderr: string } {
  const run = runInContainer(container, ...command)
  return { ...parseReport(run), stderr: run.stderr }
}

function parseReport({ stdout, stderr, exitCode }: Run): Report {
  if (exitCode !== 0) throw new Error(`expected a report, found exit code ${exitCode}: ${stderr}`)
  return JSON.parse(stdout)
}

/** A line of /proc/self/status that is a hexadecimal mask. */
export function mask(text: string | undefined): bigint {
  return BigInt(`0x${text ?? ''}`)
}
