import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { SpillwayError } from '../errors.js'

const entrySchema = z.strictObject({
  mode: z
    .string()
    .regex(/^[0-7]{3,5}$/)
    .default('0644'),
  uid: z.int().default(0),
  gid: z.int().default(0),
  /** Where a path is expected to be a device, `file` is the fault that it is none. */
  type: z.enum(['device', 'file']).default('device'),
  /** What opening or reading it says instead of giving its content. */
  errno: z
    .string()
    .regex(/^E[A-Z0-9]+$/)
    .optional(),
})
export type StatEntry = z.infer<typeof entrySchema>
export type StatTable = ReadonlyMap<string, StatEntry>

const fileName = '.stat.json'

/**
 * Owners and modes of another host's files, which a copy in a folder does not keep: `.stat.json` maps an absolute
 * path of that host to `{ mode, uid, gid, type?, errno? }`. Devices need to be nowhere else.
 *
 * @throws SpillwayError `ERR_USAGE` when the file is there and is no such map.
 */
export function readStatTable(root: string): StatTable {
  const text = readIfThere(join(root, fileName))
  if (text === undefined) return new Map()
  try {
    const entries = z.record(z.string().startsWith('/'), entrySchema).parse(JSON.parse(text))
    return new Map(Object.entries(entries))
  } catch (cause) {
    throw new SpillwayError('ERR_USAGE', `expected a map of paths in ${join(root, fileName)}, found something else`, {
      hint: 'write it as { "/dev/vhost-net": { "mode": "0660", "uid": 0, "gid": 36 } }',
      cause,
    })
  }
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}
