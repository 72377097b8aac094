/** `npm test`: vitest, once, with everything after `--` handed on, in this process so that signals reach it. */
import { searchPath } from './setup/paths.mjs'

process.env.PATH = searchPath()
process.argv.splice(2, 0, 'run')
await import(new URL('../node_modules/vitest/vitest.mjs', import.meta.url).href)
