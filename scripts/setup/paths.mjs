import { fileURLToPath } from 'node:url'

/** The checkout, without a slash at the end. */
export const root = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '')

/** Where programs that only this checkout uses are unpacked, and where its other scratch files live. */
export const cacheDir = `${root}/.cache`
export const toolsDir = `${cacheDir}/bin`

/**
 * PATH as set-up, the tests and the lab want it: what npm would put there, the unpacked tools, and the sbin folders,
 * which an ordinary user's PATH lacks on Debian (`ethtool` lives there).
 */
export function searchPath() {
  const inherited = (process.env.PATH ?? '/usr/bin:/bin').split(':')
  const wanted = [`${root}/node_modules/.bin`, ...inherited, '/usr/sbin', '/sbin', toolsDir]
  return [...new Set(wanted)].join(':')
}
