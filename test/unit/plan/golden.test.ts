import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { loadConfig } from '../../../src/config/load.js'
import { discoverEnvironment } from '../../../src/environment/discover.js'
import { readEnvironmentVariables } from '../../../src/environment/variables.js'
import { formatError } from '../../../src/errors.js'
import { draftPlan } from '../../../src/plan/plan.js'
import { printPlan, printPlanEnv, printPlanJson } from '../../../src/plan/print.js'
import { planSchema } from '../../../src/plan/types.js'

const hosts = new URL('../../fixtures/hosts/', import.meta.url).pathname

function planFor(host: string) {
  const root = join(hosts, host)
  const file = join(root, 'etc/spillway/spillway.yaml')
  const env = readEnvironmentVariables(root)
  const { config } = loadConfig(existsSync(file) ? { file, env } : { env })
  const environment = discoverEnvironment(root)
  const { plan, problems } = draftPlan(config, environment)
  return { plan, problems, environment }
}

const names = readdirSync(hosts, { withFileTypes: true }).flatMap((entry) => (entry.isDirectory() ? [entry.name] : []))

describe.each(names)('the plan for %s', (host) => {
  const { plan, problems, environment } = planFor(host)
  const golden = (name: string) => `../../golden/plan/${host}.${name}`

  it('is printed with a reason for each decision', async () => {
    const refused = problems.map((problem) => formatError(problem)).join('')
    await expect(printPlan(plan) + refused).toMatchFileSnapshot(golden('txt'))
  })

  it('is printed as JSON that the worker would accept', async () => {
    await expect(printPlanJson(plan)).toMatchFileSnapshot(golden('json'))
    expect(planSchema.parse(JSON.parse(printPlanJson(plan)))).toEqual(plan)
  })

  it('is printed for shells', async () => {
    await expect(printPlanEnv(plan, environment.runtimeDirectory.path)).toMatchFileSnapshot(golden('sh'))
  })
})
