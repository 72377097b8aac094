import type { LoadedConfig } from '../config/load.js'
import { printText } from '../config/print.js'
import type { Environment } from '../environment/types.js'
import { printPlan } from '../plan/print.js'
import type { Preflight } from '../preflight/preflight.js'
import { printFindings, printFindingsJson } from '../preflight/print.js'
import { redactLine, redactText, redactValue } from '../redact.js'
import { type ArchiveEntry, writeArchive } from './archive.js'

/** What a bug report is made of. */
export interface BundleContents {
  readonly version: string
  readonly loaded: LoadedConfig
  readonly environment: Environment
  readonly preflight: Preflight
  /** What a running instance answered, by path; null where it did not, or where none runs. */
  readonly answers: Readonly<Record<string, string | null>>
}

/** What is asked of a running instance, and the file its answer becomes. */
export const askedForBundle = {
  '/api/v1/status': 'status.json',
  '/metrics': 'metrics.txt',
  '/api/v1/checks': 'checks.json',
  '/api/v1/log': 'log.ndjson',
} as const

/** Writes one archive for a bug report. What looks like a secret is taken out of every file. */
export async function writeBundle(path: string, contents: BundleContents, at = new Date()): Promise<void> {
  const entries = [...ownEntries(contents), ...instanceEntries(contents)]
  const manifest = json(manifestOf(contents, entries, at))
  await writeArchive(path, `spillway-${at.toISOString().replaceAll(/[:.]/g, '')}`, [
    { name: 'manifest.json', text: redactText(manifest) },
    ...entries,
  ])
}

function ownEntries({ loaded, environment, preflight, answers }: BundleContents): ArchiveEntry[] {
  const { plan, findings, problems, took } = preflight
  const { prefill: _frame, ...memory } = plan.memory
  return [
    { name: 'plan.txt', text: redactText(printPlan(plan)) },
    { name: 'plan.json', text: json({ ...plan, memory }) },
    { name: 'problems.json', text: json(problems.map(({ code, message, hint }) => ({ code, message, hint }))) },
    { name: 'findings.txt', text: redactText(printFindings(findings, answers['/api/v1/status'] != null)) },
    { name: 'findings.json', text: redactText(printFindingsJson(findings)) },
    { name: 'environment.json', text: json(environment) },
    { name: 'config.txt', text: redactText(printText(loaded)) },
    { name: 'took.json', text: json(took) },
  ]
}

function instanceEntries({ answers }: BundleContents): ArchiveEntry[] {
  return Object.entries(askedForBundle).flatMap(([path, name]) => {
    const text = answers[path]
    return text == null ? [] : [{ name, text: redactText(text.split('\n').map(redactLine).join('\n')) }]
  })
}

function manifestOf({ version, environment, answers }: BundleContents, entries: readonly ArchiveEntry[], at: Date) {
  const status = answers['/api/v1/status']
  return {
    at: at.toISOString(),
    spillway: version,
    node: process.version,
    kernel: environment.kernel.release,
    architecture: process.arch,
    dpdk: status == null ? null : dpdkVersionOf(status),
    runningInstance: status == null ? 'none answered' : 'its status, metrics, checks and log are in here',
    files: entries.map(({ name }) => name),
  }
}

function dpdkVersionOf(status: string): string | null {
  try {
    return (JSON.parse(status) as { dpdkVersion?: string | null }).dpdkVersion ?? null
  } catch {
    return null
  }
}

function json(value: unknown): string {
  return `${JSON.stringify(redactValue(value), null, 2)}\n`
}
