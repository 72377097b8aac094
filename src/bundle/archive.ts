import { writeFileSync } from 'node:fs'
import { buffer } from 'node:stream/consumers'
import { gzipSync } from 'node:zlib'
import { pack } from 'tar-stream'
import { SpillwayError } from '../errors.js'

export interface ArchiveEntry {
  readonly name: string
  readonly text: string
}

/**
 * Writes a .tar.gz for its owner alone. A file that is there is somebody's and stays.
 *
 * @param folder  the folder that everything lies in, so that unpacking strews nothing
 * @throws SpillwayError `ERR_USAGE` when the file exists or cannot be made
 */
export async function writeArchive(path: string, folder: string, entries: readonly ArchiveEntry[]): Promise<void> {
  const archive = pack()
  for (const { name, text } of entries) archive.entry({ name: `${folder}/${name}`, mode: 0o600 }, text)
  archive.finalize()
  // A few megabytes at most, so made whole: one write can fail, and nothing else.
  const packed = gzipSync(await buffer(archive))
  try {
    writeFileSync(path, packed, { flag: 'wx', mode: 0o600 })
  } catch (error) {
    throw archiveError(path, error as NodeJS.ErrnoException)
  }
}

function archiveError(path: string, cause: NodeJS.ErrnoException): SpillwayError {
  if (cause.code === 'EEXIST')
    return new SpillwayError('ERR_USAGE', `need a new file for the bundle, found that ${path} exists`, {
      hint: 'name another file; nothing is overwritten',
      cause,
    })
  return new SpillwayError('ERR_USAGE', `need to write the bundle ${path}, found ${cause.code ?? cause.message}`, {
    hint: 'name a file in a folder that can be written, such as /tmp/spillway.tar.gz',
    cause,
  })
}
