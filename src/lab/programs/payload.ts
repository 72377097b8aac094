import { createHash } from 'node:crypto'

/** What each transfer carries: one mebibyte that does not repeat, so that a lost or doubled segment is seen. */
export const payloadBytes = 1024 * 1024

/** The same bytes in every process: sha256 in counter mode. */
export function makePayload(bytes = payloadBytes): Buffer {
  const blocks: Buffer[] = []
  for (let block = 0; block * 32 < bytes; block++) blocks.push(createHash('sha256').update(String(block)).digest())
  return Buffer.concat(blocks).subarray(0, bytes)
}

export function sha256(data: Buffer): string {
  return createHash('sha256').update(data).digest('hex')
}
