/** `npm run docs`: writes the generated references and the README's example of the doctor anew. Tests compare these files with the same functions. */
import { spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
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
const output = examine(doctor.exampleHost)
write('docs/doctor.md', doctor.renderDoctorReference(output))
write('README.md', withErrors(readFileSync(`${root}/README.md`, 'utf8'), output))

/** What the doctor prints for a fixture host; it may well find errors there. */
function examine(/** @type {string} */ host) {
  const fixture = `${root}/test/fixtures/hosts/${host}`
  const { stdout } = spawnSync(process.execPath, [`${root}/bin/spillway.mjs`, 'doctor', '--root', fixture], {
    encoding: 'utf8',
  })
  return stdout
}

/** The README shows the end of it, from the first error on. */
function withErrors(/** @type {string} */ readme, /** @type {string} */ output) {
  const errors = output.slice(output.indexOf('  error ')).trimEnd()
  return readme.replace(/(?<= doctor --root \S+\n {2}…\n).*?(?=\n```)/s, () => errors)
}

/** @returns {Promise<any>} */
function load(/** @type {string} */ module) {
  return import(`${root}/dist/${module}`)
}

function write(/** @type {string} */ path, /** @type {string} */ text) {
  writeFileSync(`${root}/${path}`, text)
  say(`wrote ${path}`)
}
