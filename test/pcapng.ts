/** A packet of a capture file. */
export interface CapturedPacket {
  readonly interface: number
  readonly atMs: number
  readonly bytes: Buffer
  readonly originalLength: number
  readonly direction: 'in' | 'out' | undefined
  readonly comment: string | undefined
}

export interface CaptureFile {
  readonly interfaces: readonly string[]
  readonly packets: readonly CapturedPacket[]
  /** Of each statistics block, what was received and what was dropped. */
  readonly statistics: readonly { readonly received: bigint; readonly dropped: bigint }[]
}

/** Reads pcapng by its specification, and throws where a block is not as long as it says at both ends. */
export function readPcapng(file: Buffer): CaptureFile {
  const interfaces: string[] = []
  const packets: CapturedPacket[] = []
  const statistics: { received: bigint; dropped: bigint }[] = []
  if (file.readUInt32LE(0) !== 0x0a0d0d0a || file.readUInt32LE(8) !== 0x1a2b3c4d) throw new Error('no pcapng file')
  for (let at = 0; at < file.length; ) {
    const length = file.readUInt32LE(at + 4)
    if (length % 4 !== 0 || file.readUInt32LE(at + length - 4) !== length) throw new Error(`broken block at ${at}`)
    const body = file.subarray(at + 8, at + length - 4)
    const type = file.readUInt32LE(at)
    if (type === 1) interfaces.push(optionsOf(body, 8).get(2)?.toString() ?? '')
    if (type === 5) {
      const options = optionsOf(body, 12)
      statistics.push({
        received: options.get(4)?.readBigUInt64LE() ?? 0n,
        dropped: options.get(5)?.readBigUInt64LE() ?? 0n,
      })
    }
    if (type === 6) packets.push(readPacket(body))
    at += length
  }
  return { interfaces, packets, statistics }
}

function readPacket(body: Buffer): CapturedPacket {
  const length = body.readUInt32LE(12)
  const options = optionsOf(body, 20 + ((length + 3) & ~3))
  const flags = options.get(2)?.readUInt32LE() ?? 0
  return {
    interface: body.readUInt32LE(0),
    atMs: Number((BigInt(body.readUInt32LE(4)) << 32n) | BigInt(body.readUInt32LE(8))) / 1e6,
    bytes: body.subarray(20, 20 + length),
    originalLength: body.readUInt32LE(16),
    direction: flags === 1 ? 'in' : flags === 2 ? 'out' : undefined,
    comment: options.get(1)?.toString(),
  }
}

function optionsOf(body: Buffer, from: number): Map<number, Buffer> {
  const options = new Map<number, Buffer>()
  for (let at = from; at + 4 <= body.length; ) {
    const [code, length] = [body.readUInt16LE(at), body.readUInt16LE(at + 2)]
    if (code === 0) break
    options.set(code, body.subarray(at + 4, at + 4 + length))
    at += 4 + ((length + 3) & ~3)
  }
  return options
}
