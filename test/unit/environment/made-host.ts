import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { type DiscoverOptions, discoverEnvironment } from '../../../src/environment/discover.js'
import type { Environment } from '../../../src/environment/types.js'

export interface MadeHost {
  /** By path below the root; one CPU is there anyway. */
  readonly files?: Readonly<Record<string, string | Buffer>>
  /** Where symbolic links point to. */
  readonly links?: Readonly<Record<string, string>>
  /** Variables of its process. */
  readonly env?: Readonly<Record<string, string>>
  /** Owners and modes, as `.stat.json` has them. */
  readonly stat?: Readonly<Record<string, unknown>>
}

/** Makes a host of files for as long as `act` looks at it. */
export function onHost<T>({ files = {}, links = {}, env = {}, stat }: MadeHost, act: (root: string) => T): T {
  const root = mkdtempSync(join(tmpdir(), 'spillway-host-'))
  const place = (path: string) => {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    return join(root, path)
  }
  const environ = Object.entries(env).map(([name, value]) => `${name}=${value}`)
  const all = { 'proc/self/status': 'Cpus_allowed_list:\t0\n', 'proc/self/environ': environ.join('\0'), ...files }
  try {
    for (const [path, content] of Object.entries(all)) writeFileSync(place(path), content)
    for (const [path, target] of Object.entries(links)) symlinkSync(target, place(path))
    if (stat !== undefined) writeFileSync(place('.stat.json'), JSON.stringify(stat))
    return act(root)
  } finally {
    rmSync(root, { recursive: true })
  }
}

export function discoverOn(host: MadeHost, options?: DiscoverOptions): Environment {
  return onHost(host, (root) => discoverEnvironment(root, options))
}
