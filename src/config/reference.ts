import { z } from 'zod'
import { describeExpected } from './expected.js'
import { configSchema } from './schema.js'
import { reservedRuleNames } from './terms.js'
import { otherVariables, variableName } from './variables.js'
import { childOf, formatPath, isLeaf, isNullable, metaOf, type Path, sectionsOf, unwrap } from './walk.js'

/** `docs/configuration.md`: every setting with type, default, variable and meaning. */
export function renderReference(): string {
  const top = sectionsOf(configSchema)
  const singles = top.filter(([, schema]) => isLeaf(schema) && !isList(schema))
  const sections = top.filter(([, schema]) => !isLeaf(schema) || isList(schema))
  return [
    introduction,
    '## Top level\n',
    table(singles.map(([key, schema]) => ({ path: [key], schema }))),
    ...sections.map(([key, schema]) => renderSection(key, schema)),
    ending(),
  ].join('\n')
}

const introduction = `<!-- Generated from src/config/schema.ts by \`npm run docs\`; a test fails when it is stale. -->
# Configuration

One YAML file, everything in it optional: \`--config FILE\`, else \`SPILLWAY_CONFIG\`, else
\`/etc/spillway/spillway.yaml\` if it exists. Then environment variables, then flags; the later one wins.
\`spillway config\` prints each effective value and where it came from. An editor completes and checks the file with
[spillway.schema.json](spillway.schema.json): put this on its first line.

\`\`\`yaml
# yaml-language-server: $schema=https://…/docs/spillway.schema.json
ports:
  - name: vf0
    device: auto
forwarding: { mode: macswap }
rules:
  - { name: bgp, match: "tcp port 179", to: kernel, limit: { pps: 20000, burst: 2000 } }
  - { name: noise, match: "udp port 5353", to: drop }
\`\`\`

- The file is YAML 1.2, at most 1 MiB. Put MAC and PCI addresses in quotes: what reads YAML 1.1, as Kubernetes does, takes
  \`50:00:00:00:00:01\` for a number.
- A variable is the path of the setting in upper case: \`http.listen\` is \`SPILLWAY_HTTP_LISTEN\`. Lists and maps are
  YAML (or JSON) text. An empty variable counts as not set; an unknown \`SPILLWAY_…\` variable is an error, except those
  that Kubernetes makes for a Service called \`spillway\`.
- \`--set path=value\` sets anything, also one item of a list: \`--set ports[0].queues=2\`. Short forms: \`--lcores\`,
  \`--http\`, \`--log-level\`.
- What is wrong is said in one line per problem, with exit code 78.
`

function renderSection(key: string, schema: z.ZodType): string {
  const { description } = metaOf(schema)
  const item = isList(schema) ? childOf(schema, 0) : undefined
  const path: Path = item === undefined ? [key] : [key, '[]']
  const variable = item === undefined ? '' : ` Variable: \`${variableName([key])}\`.`
  return `## ${key}\n\n${description}${variable}\n\n${table(rowsOf(item ?? schema, path))}`
}

function isList(schema: z.ZodType): boolean {
  return unwrap(schema) instanceof z.ZodArray
}

interface Row {
  readonly path: Path
  readonly schema: z.ZodType
}

function rowsOf(schema: z.ZodType, path: Path): Row[] {
  return sectionsOf(schema).flatMap(([key, child]) => {
    const at = [...path, key]
    if (isLeaf(child)) return [{ path: at, schema: child }]
    return [...(isNullable(child) ? [{ path: at, schema: child }] : []), ...rowsOf(child, at)]
  })
}

function table(rows: readonly Row[]): string {
  const inList = rows.some(({ path }) => path[1] === '[]')
  const head = inList
    ? '| setting | value | default | meaning |\n| --- | --- | --- | --- |\n'
    : '| setting | value | default | variable | meaning |\n| --- | --- | --- | --- | --- |\n'
  const lines = rows.map(({ path, schema }) => {
    const cells = [
      `\`${formatPath(path).replaceAll('["[]"]', '[]')}\``,
      describeExpected(schema),
      describeDefault(schema),
      ...(inList ? [] : [`\`${variableName(path)}\``]),
      metaOf(schema).description ?? '',
    ]
    return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |\n`
  })
  return head + lines.join('')
}

function describeDefault(schema: z.ZodType): string {
  const parsed = schema.safeParse(undefined)
  if (!parsed.success) return 'required'
  return parsed.data === undefined ? '' : `\`${JSON.stringify(parsed.data)}\``
}

function ending(): string {
  const variables = Object.entries(otherVariables).map(([name, meaning]) => `- \`${name}\`: ${meaning}\n`)
  return (
    '## Other variables\n\n' +
    variables.join('') +
    '\n## Names that rules cannot have\n\n' +
    `They belong to the built-in rules and the ends of the list: ${reservedRuleNames.map((name) => `\`${name}\``).join(', ')}.\n`
  )
}

/** `docs/spillway.schema.json`: JSON Schema of spillway.yaml, in the draft that editors know best. */
export function renderJsonSchema(): string {
  const schema = z.toJSONSchema(configSchema, {
    io: 'input',
    target: 'draft-7',
    override: ({ jsonSchema }) => {
      // Ours, for messages and the reference; strict readers stumble over unknown keywords.
      delete jsonSchema.unit
      delete jsonSchema.expected
    },
  })
  return `${JSON.stringify(schema, null, 2)}\n`
}
