import { readFileSync } from 'node:fs'
import { stringify } from 'yaml'
import { z } from 'zod'
import { parseYaml, readConfigFile } from '../config/yaml-text.js'
import { SpillwayError } from '../errors.js'
import { askControl } from './client.js'

/** As much of an answer as is said to people. */
const answer = z.object({
  generation: z.int(),
  origin: z.string(),
  rules: z.array(z.record(z.string(), z.unknown())),
  inForce: z.array(z.object({ name: z.string() })),
  needRestart: z.array(z.string()).default([]),
})
type Answer = z.infer<typeof answer>

/** The operator's rules as YAML that `put` takes back. */
export async function showRules(socket: string): Promise<string> {
  return stringify(await ask(socket, 'GET', '/api/v1/rules').then(({ rules }) => rules), { version: '1.1' })
}

/** @param file  YAML: a list of rules, or a configuration of which the rules are taken; `-` is stdin. */
export async function putRules(socket: string, file: string): Promise<string> {
  const text = file === '-' ? readFileSync(0, 'utf8') : readConfigFile(file)
  return inWords(await ask(socket, 'PUT', '/api/v1/rules', JSON.stringify({ rules: rulesIn(text, file) })))
}

export async function reloadRules(socket: string): Promise<string> {
  const said = await ask(socket, 'POST', '/api/v1/reload')
  const restart = said.needRestart.map((path) => `${path} changed and needs a restart\n`)
  return `${inWords(said)}${restart.join('')}`
}

async function ask(socket: string, method: 'GET' | 'PUT' | 'POST', path: string, body?: string): Promise<Answer> {
  return answer.parse(await askControl(socket, { method, path, ...(body === undefined ? {} : { body }) }))
}

function rulesIn(text: string, file: string): unknown {
  try {
    const { value } = parseYaml(text)
    const isConfiguration = typeof value === 'object' && value !== null && !Array.isArray(value)
    return isConfiguration ? ((value as { rules?: unknown }).rules ?? []) : value
  } catch (cause) {
    throw new SpillwayError('ERR_CONFIG', `${file}: ${(cause as Error).message}`, { cause })
  }
}

function inWords({ generation, rules, inForce }: Answer): string {
  if (inForce.length === 0) return `${rules.length} rules taken; no worker runs now, the next one starts with them\n`
  return `generation ${generation} in force: ${rules.length} rules of yours, ${inForce.length} in all\n`
}
