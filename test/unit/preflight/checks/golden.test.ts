import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { loadConfig } from '../../../../src/config/load.js'
import { discoverEnvironment } from '../../../../src/environment/discover.js'
import { readEnvironmentVariables } from '../../../../src/environment/variables.js'
import { draftPlan } from '../../../../src/plan/plan.js'
import { printFindings, printFindingsJson } from '../../../../src/preflight/print.js'
import { exampleHost, renderDoctorReference } from '../../../../src/preflight/reference.js'
import { runChecks } from '../../../../src/preflight/run-checks.js'

const root = new URL('../../../../', import.meta.url).pathname
const hosts = join(root, 'test/fixtures/hosts')
const names = readdirSync(hosts, { withFileTypes: true }).flatMap((entry) => (entry.isDirectory() ? [entry.name] : []))

function findingsFor(host: string) {
  const folder = join(hosts, host)
  const file = join(folder, 'etc/spillway/spillway.yaml')
  const { config } = loadConfig({ ...(existsSync(file) ? { file } : {}), env: readEnvironmentVariables(folder) })
  const environment = discoverEnvironment(folder)
  return runChecks({ config, environment, ...draftPlan(config, environment) })
}

describe('what the checks say', () => {
  it.each(names)('of %s', async (host) => {
    await expect(printFindings(findingsFor(host))).toMatchFileSnapshot(`../../../golden/doctor/${host}.txt`)
  })

  it('as JSON', async () => {
    await expect(printFindingsJson(findingsFor(exampleHost))).toMatchFileSnapshot(
      `../../../golden/doctor/${exampleHost}.json`,
    )
  })
})

describe('docs/doctor.md', () => {
  it('is what the catalogue and the example say; `npm run docs` writes it anew', () => {
    const output = printFindings(findingsFor(exampleHost))
    expect(readFileSync(join(root, 'docs/doctor.md'), 'utf8')).toBe(renderDoctorReference(output))
  })
})

describe('README.md', () => {
  it('shows the example from its first error on; `npm run docs` writes it anew', () => {
    const output = printFindings(findingsFor(exampleHost))
    const [shown] = / {2}error .*?(?=\n```)/s.exec(readFileSync(join(root, 'README.md'), 'utf8')) ?? []
    expect(shown).toBe(output.slice(output.indexOf('  error ')).trimEnd())
  })
})
