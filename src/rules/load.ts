import { loadConfig } from '../config/load.js'
import { parseYaml, readConfigFile } from '../config/yaml-text.js'
import type { NativeRule } from '../ipc/messages.js'
import { DecisionLog } from '../plan/decisions.js'
import { planRules } from '../plan/rules.js'
import { composeRules } from './compose.js'

/**
 * The list that `spillway run` would put in force, from a whole configuration or a bare list of rules. Ports that are
 * not in the file count as having a way to the kernel.
 *
 * @param addresses  of an imagined tap, for the rule `local`
 * @throws SpillwayError `ERR_CONFIG`.
 */
export function loadRules(file: string, addresses: readonly string[]): NativeRule[] {
  const text = readConfigFile(file)
  const { config } = isList(text) ? loadConfig({ flags: [{ flag: file, path: 'rules', text }] }) : loadConfig({ file })
  const ports = config.ports.length === 0 ? [{ exception: { backend: 'tap' as const } }] : config.ports.map(withBackend)
  const { rules, exceptionPath } = planRules(config, [], new DecisionLog())
  return composeRules({ rules, exceptionPath, ports }, [{ port: '', tap: '', addresses: [...addresses] }])
}

/** A text that is no YAML at all is left to `loadConfig`, which says so. */
function isList(text: string): boolean {
  try {
    return Array.isArray(parseYaml(text).value)
  } catch {
    return false
  }
}

function withBackend({ exception }: { readonly exception: { readonly backend: string } }) {
  return { exception: { backend: exception.backend === 'none' ? ('none' as const) : ('tap' as const) } }
}
