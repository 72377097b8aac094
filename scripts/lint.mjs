/** `npm run lint` checks layout, types and likely mistakes everywhere; `npm run lint:fix` mends what can be mended. */
import { readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { root, searchPath } from './setup/paths.mjs'
import { main, Stop } from './setup/run.mjs'
import { filesBelow } from './setup/stamps.mjs'
import { runChecks } from './setup/tap.mjs'

/** @typedef {import('./setup/tap.mjs').Check} Check */

await main(async () => {
  process.env.PATH = searchPath()
  const fix = process.argv.includes('--fix')
  const quick = await runChecks([biome(fix), types(), clangFormat(fix), portableFiles()], { cwd: root, atOnce: 2 })
  const tidy = await runChecks(clangTidy(), { cwd: root, atOnce: availableParallelism() })
  if (!quick || !tidy) throw new Stop('lint: see "not ok" above', 1)
})

/** @returns {Check} */
function biome(/** @type {boolean} */ fix) {
  return { name: 'biome', argv: ['biome', 'check', '--error-on-warnings', ...(fix ? ['--write'] : [])] }
}

/** @returns {Check} */
function types() {
  return { name: 'types of src, test and scripts', argv: ['tsc', '--project', 'tsconfig.test.json'] }
}

/** @returns {Check} */
function clangFormat(/** @type {boolean} */ fix) {
  const mode = fix ? ['-i'] : ['--dry-run', '-Werror']
  const sources = filesBelow(root, 'native').filter((path) => /\.(c|cc|h)$/.test(path))
  return { name: 'clang-format', argv: ['clang-format', ...mode, ...sources] }
}

/** One check per compiled file; headers are reported with the files that include them. */
/** @returns {Check[]} */
function clangTidy() {
  /** @type {{ file: string }[]} */
  const entries = JSON.parse(readFileSync(`${root}/build/Release/compile_commands.json`, 'utf8'))
  const paths = entries.map(({ file }) => file.replace(/^(\.\.\/)+/, '').replace(`${root}/`, ''))
  return [...new Set(paths)]
    .filter((path) => path.startsWith('native/'))
    .sort()
    .map((path) => ({ name: `clang-tidy ${path}`, argv: ['clang-tidy', '--quiet', '-p', 'build/Release', path] }))
}

/** No tracked file may hold a path of somebody's machine, and the lockfile no registry's address. */
/** @returns {Check} */
function portableFiles() {
  const homes = '/home/[a-z]|/Users/[A-Za-z]'
  const here = root.split('/').length > 2 ? `|${root.replaceAll('.', '\\.')}/` : ''
  const search = `git grep -nIE '${homes}${here}' -- ':!scripts/lint.mjs' ':!test/fixtures'; test $? -eq 1`
  const lockfile = `! grep -n '"resolved": "http' package-lock.json`
  return { name: 'no path of one machine, no registry in the lockfile', argv: ['sh', '-c', `${search} && ${lockfile}`] }
}
