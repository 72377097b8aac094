import { createWriteStream } from 'node:fs'
import { pipeline } from 'node:stream/promises'
import { createGzip } from 'node:zlib'
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
  const written = pipeline(archive, createGzip(), createWriteStream(path, { flags: 'wx', mode: 0o600 }))
  for (const { name, text } of entries) archive.entry({ name: `${folder}/${name}`, mode: 0o600 }, text)
  archive.finalize()
  try {
    await written
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
