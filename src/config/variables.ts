import { nearest } from './nearest.js'
import { configSchema } from './schema.js'
import { type Leaf, leavesOf } from './walk.js'

/** Variables with our prefix that are no settings. */
export const otherVariables: Readonly<Record<string, string>> = {
  SPILLWAY_CONFIG: 'The configuration file, when `--config` does not name one.',
  SPILLWAY_NO_INSTALL: 'Read by the set-up of `npm start` and `npm test`: print what is missing and install nothing.',
  SPILLWAY_LAUNCH_NODE: 'Read when `spillway-launch` is built: the node it runs. Default: the node that builds.',
  SPILLWAY_LAUNCH_ENTRY:
    'Read when `spillway-launch` is built: the entry point it runs. Default: `bin/spillway.mjs` of the checkout.',
  SPILLWAY_ALLOWED_CPUS:
    'Set by `spillway-launch`, whatever it was before: the CPUs that were allowed before it moved to the housekeeping CPUs.',
}

/**
 * Kubernetes writes these into every pod of a namespace that has a Service called `spillway` or `spillway-…`
 * (`enableServiceLinks`, on by default): SPILLWAY_SERVICE_HOST, SPILLWAY_PORT, SPILLWAY_PORT_9464_TCP_ADDR, …
 */
const serviceLink =
  /^SPILLWAY_(?:.+_)?(?:SERVICE_(?:HOST|PORT(?:_.+)?)|PORT(?:_\d+_(?:TCP|UDP|SCTP)(?:_(?:PROTO|PORT|ADDR))?)?)$/

/** `http.listen` is SPILLWAY_HTTP_LISTEN. */
export function variableName(path: Leaf['path']): string {
  const words = path.map((key) =>
    String(key)
      .replaceAll(/[A-Z]/g, (letter) => `_${letter}`)
      .toUpperCase(),
  )
  return `SPILLWAY_${words.join('_')}`
}

/** Every variable that sets something. */
export const settingVariables: ReadonlyMap<string, Leaf> = new Map(
  leavesOf(configSchema).map((leaf) => [variableName(leaf.path), leaf]),
)

export interface SetVariable {
  readonly name: string
  readonly text: string
  readonly leaf: Leaf
}

/** Sorts our variables out of the environment. An empty one counts as not set. */
export function readVariables(env: Readonly<Record<string, string | undefined>>): {
  readonly set: SetVariable[]
  readonly unknown: { readonly name: string; readonly text: string; readonly nearest: string | undefined }[]
} {
  const set: SetVariable[] = []
  const unknown = []
  for (const [name, text] of Object.entries(env)) {
    if (!name.startsWith('SPILLWAY_') || text === undefined || text === '') continue
    const leaf = settingVariables.get(name)
    if (leaf !== undefined) set.push({ name, text, leaf })
    else if (!Object.hasOwn(otherVariables, name) && !serviceLink.test(name)) {
      unknown.push({ name, text, nearest: nearest(name, [...settingVariables.keys(), ...Object.keys(otherVariables)]) })
    }
  }
  // A section's own variable (SPILLWAY_EXCEPTION_PATH_LIMIT=null) comes before those of what is inside.
  set.sort((a, b) => a.leaf.path.length - b.leaf.path.length)
  return { set, unknown }
}
