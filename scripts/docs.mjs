/** `npm run docs`: writes the generated references anew. Tests compare these files with the same functions. */
import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { root } from './setup/paths.mjs'
import { say } from './setup/run.mjs'

const [config, metrics, doctor] = await Promise.all([
  load('config/reference.js'),
  load('metrics/reference.js'),
  load('preflight/reference.js'),
])
write('docs/configuration.md', config.renderReference())
write('docs/spillway.schema.json', config.renderJsonSchema())
write('docs/metrics.md', metrics.renderMetricsReference())
write('docs/doctor.md', doctor.renderDoctorReference(examine(doctor.exampleHost)))

/** What the doctor prints for a fixture host; it may well find errors there. */
function examine(/** @type {string} */ host) {
  const fixture = `${root}/test/fixtures/hosts/${host}`
  const { stdout } = spawnSync(process.execPath, [`${root}/bin/spillway.mjs`, 'doctor', '--root', fixture], {
    encoding: 'utf8',
  })
  return stdout
}

/** @returns {Promise<any>} */
function load(/** @type {string} */ module) {
  return import(`${root}/dist/${module}`)
}

function write(/** @type {string} */ path, /** @type {string} */ text) {
  writeFileSync(`${root}/${path}`, text)
  say(`wrote ${path}`)
}
