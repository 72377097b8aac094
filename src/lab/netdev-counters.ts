import { readFile } from 'node:fs/promises'

export interface NetdevCount {
  readonly rxPackets: number
  readonly txPackets: number
}

/** What the kernel counted at a netdev of the namespace that process `pid` lives in. */
export async function readNetdev(pid: number, netdev: string): Promise<NetdevCount> {
  const table = await readFile(`/proc/${pid}/net/dev`, 'utf8')
  const row = table.split('\n').find((line) => line.trimStart().startsWith(`${netdev}:`))
  const fields =
    row
      ?.slice(row.indexOf(':') + 1)
      .trim()
      .split(/\s+/)
      .map(Number) ?? []
  const [rxPackets, txPackets] = [fields[1], fields[9]]
  if (rxPackets === undefined || txPackets === undefined) throw new Error(`no netdev ${netdev} in /proc/${pid}/net/dev`)
  return { rxPackets, txPackets }
}
