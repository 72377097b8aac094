import { tryCommand } from '../../src/lab/commands.js'
import type { Namespace } from '../../src/lab/namespaces.js'

export interface PingResult {
  readonly sent: number
  readonly received: number
  readonly duplicates: number
}

/** A few pings and what came back. More payload than the MTU holds makes fragments. */
export async function ping(namespace: Namespace, host: string, times = 3, payloadBytes = 56): Promise<PingResult> {
  const { stdout, stderr } = await tryCommand(namespace.enter(pingCommand(host, times, payloadBytes)))
  return parsePing(stdout, stderr)
}

export function pingCommand(host: string, times: number, payloadBytes = 56): string[] {
  return ['ping', '-n', '-c', String(times), '-i', '0.2', '-W', '1', '-s', String(payloadBytes), host]
}

export function parsePing(stdout: string, stderr: string): PingResult {
  const end = /^(\d+) packets transmitted, (\d+) received(?:, \+(\d+) duplicates)?/m.exec(stdout)
  if (end === null) throw new Error(`ping did not run: ${stderr}`)
  return { sent: Number(end[1]), received: Number(end[2]), duplicates: Number(end[3] ?? 0) }
}
