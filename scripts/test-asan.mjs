/** `npm run test:asan`: the C test programs, built with AddressSanitizer and UBSan in a tree of their own. */
import { spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { makeStale, native } from './setup/build.mjs'
import { main, Stop } from './setup/run.mjs'
import { copySources } from './setup/tree.mjs'

await main(() => {
  const tree = copySources('asan')
  makeStale([native(tree, ['-Dsanitize=address,undefined'])])
  const programs = readdirSync(`${tree}/build/Release`).filter((name) => /^spillway-.*test$/.test(name))
  if (programs.length === 0) throw new Stop('test:asan: binding.gyp makes no program spillway-*test', 1)
  const failed = programs.filter((name) => !runsClean(`${tree}/build/Release/${name}`, name))
  if (failed.length > 0) throw new Stop(`test:asan: failed: ${failed.join(', ')}`, 1)
})

/** A program reports its own checks; how it ended is one more, since a sanitizer's report ends it in the middle. */
function runsClean(/** @type {string} */ path, /** @type {string} */ name) {
  const env = { ...process.env, ASAN_OPTIONS: 'detect_leaks=1:exitcode=99', UBSAN_OPTIONS: 'print_stacktrace=1' }
  const { status, signal } = spawnSync(path, [], { env, stdio: ['ignore', 'inherit', 'inherit'] })
  const clean = status === 0
  process.stdout.write(
    `${clean ? 'ok' : 'not ok'} - ${name} ends clean under ASan and UBSan${clean ? '' : ` (${signal ?? `exit ${status}`})`}\n`,
  )
  return clean
}
