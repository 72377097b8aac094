import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { SpillwayError } from '../errors.js'
import type { WorkerProgram } from './worker-process.js'

/**
 * The worker's Node has little to do and everything to stay out of the way of: one thread for V8, one for libuv,
 * and a small young generation. What its flags do not say they must not inherit, e.g. --inspect.
 */
const nodeFlags = ['--v8-pool-size=1', '--max-semi-space-size=1', '--max-old-space-size=96']

/** What a self-built DPDK, a sanitizer or a clock needs; the rest of our environment is not the worker's business. */
const passedOn = ['PATH', 'LANG', 'TZ', 'LD_LIBRARY_PATH', 'LD_PRELOAD', 'ASAN_OPTIONS', 'UBSAN_OPTIONS']

/**
 * @param url  the worker's entry, next to the built supervisor
 * @param runtimeFolder  EAL's runtime directory; without one it takes /var/run/dpdk wherever uid is 0
 */
export function workerProgram(url: URL, runtimeFolder: string, env: NodeJS.ProcessEnv = process.env): WorkerProgram {
  const path = fileURLToPath(url)
  if (!existsSync(path))
    throw new SpillwayError('ERR_INTERNAL', `need the worker's program ${path}, found nothing`, {
      hint: 'build it: npm run setup',
    })
  const inherited = passedOn.flatMap((name) => (env[name] === undefined ? [] : [[name, env[name]]]))
  return {
    command: process.execPath,
    args: [...nodeFlags, path],
    env: { ...Object.fromEntries(inherited), RUNTIME_DIRECTORY: runtimeFolder, UV_THREADPOOL_SIZE: '1' },
  }
}
