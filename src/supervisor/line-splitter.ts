import type { Readable } from 'node:stream'
import { StringDecoder } from 'node:string_decoder'

/** A line without an end must not fill the memory: longer ones come in pieces. */
const LONGEST_LINE = 16_384

/** Calls `onLine` for every line of `stream`, the last unfinished one included. Empty lines are left out. */
export function splitLines(stream: Readable, onLine: (line: string) => void): void {
  const decoder = new StringDecoder('utf8')
  let rest = ''
  const emit = (line: string): void => {
    if (line.trim() !== '') onLine(line)
  }
  const take = (text: string): void => {
    const lines = (rest + text).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) emit(line.slice(0, LONGEST_LINE))
    while (rest.length > LONGEST_LINE) {
      emit(rest.slice(0, LONGEST_LINE))
      rest = rest.slice(LONGEST_LINE)
    }
  }
  stream.on('data', (chunk: Buffer) => take(decoder.write(chunk)))
  stream.once('end', () => {
    take(decoder.end())
    emit(rest)
    rest = ''
  })
  // A broken pipe ends the stream; the worker's exit says the rest.
  stream.on('error', () => {})
}
