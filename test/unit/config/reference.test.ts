import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { renderJsonSchema, renderReference } from '../../../src/config/reference.js'
import { configSchema } from '../../../src/config/schema.js'
import { settingVariables } from '../../../src/config/variables.js'
import { leavesOf, metaOf } from '../../../src/config/walk.js'
import { load } from './fixtures.js'

const page = (name: string) => readFileSync(new URL(`../../../docs/${name}`, import.meta.url), 'utf8')

describe('the generated pages', () => {
  it('are not stale: npm run docs', () => {
    expect(page('configuration.md')).toBe(renderReference())
    expect(page('spillway.schema.json')).toBe(renderJsonSchema())
  })

  it('show an example that works', () => {
    const example = /```yaml\n([^`]+)```/.exec(renderReference())?.[1] ?? ''
    expect(parse(example)).toHaveProperty('rules')
    expect(load(example).config.rules).toHaveLength(2)
  })
})

describe('every setting', () => {
  const leaves = leavesOf(configSchema)

  it('has a line of documentation', () => {
    expect(leaves.filter(({ schema }) => metaOf(schema).description === undefined)).toEqual([])
  })

  it('has a variable of its own', () => {
    expect(settingVariables.size).toBe(leaves.length)
  })
})
