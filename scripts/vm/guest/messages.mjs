/** The name of the virtio port between a guest's agent and the machine that runs it. */
export const portName = 'spillway.agent'

/**
 * What the host says. `id` is the host's, one for each program or request.
 *
 * @typedef {{ type: 'spawn', id: number, argv: readonly string[], env: Record<string, string>, cwd: string }
 *   | { type: 'input', id: number, text: string | null }
 *   | { type: 'kill', id: number, signal: NodeJS.Signals }
 *   | { type: 'fetch', id: number, url: string, headers: Record<string, string> }} HostMessage
 *   `input` with null closes the program's stdin.
 */

/**
 * What the guest says. A `response` with status 0 is an error: its body says which.
 *
 * @typedef {{ type: 'ready' }
 *   | { type: 'spawned', id: number, pid: number }
 *   | { type: 'output', id: number, name: 'stdout' | 'stderr', text: string }
 *   | { type: 'ended', id: number, exitCode: number | null, signal: NodeJS.Signals | null, error?: string }
 *   | { type: 'response', id: number, status: number, body: string }} GuestMessage
 */
