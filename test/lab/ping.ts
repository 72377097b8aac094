import { tryCommand } from '../../src/lab/commands.js'
import type { Namespace } from '../../src/lab/namespaces.js'

export interface PingResult {
  readonly sent: number
  readonly received: number
  readonly duplicates: number
}

/** A few pings and what came back. More payload than the MTU holds makes fragments. */
export async function ping(namespace: Namespace, host: string, times = 3, payloadBytes = 56): Promise<PingResult> {
  const argv = ['ping', '-n', '-c', String(times), '-i', '0.2', '-W', '1', '-s', String(payloadBytes), host]
  const { stdout, stderr } = await tryCommand(namespace.enter(argv))
  const end = /^(\d+) packets transmitted, (\d+) received(?:, \+(\d+) duplicates)?/m.exec(stdout)
  if (end === null) throw new Error(`ping ${host} did not run: ${stderr}`)
  return { sent: Number(end[1]), received: Number(end[2]), duplicates: Number(end[3] ?? 0) }
}
