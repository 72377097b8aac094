/** `npm run docs`: writes the generated references anew. Tests compare these files with the same functions. */
import { writeFileSync } from 'node:fs'
import { root } from './setup/paths.mjs'
import { say } from './setup/run.mjs'

const [config, metrics] = await Promise.all([load('config/reference.js'), load('metrics/reference.js')])
write('docs/configuration.md', config.renderReference())
write('docs/spillway.schema.json', config.renderJsonSchema())
write('docs/metrics.md', metrics.renderMetricsReference())

/** @returns {Promise<any>} */
function load(/** @type {string} */ module) {
  return import(`${root}/dist/${module}`)
}

function write(/** @type {string} */ path, /** @type {string} */ text) {
  writeFileSync(`${root}/${path}`, text)
  say(`wrote ${path}`)
}
