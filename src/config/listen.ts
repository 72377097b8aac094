/** Where the HTTP server listens. */
export type ListenAddress =
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number }
  /** A socket that is open already, inherited from the parent process. */
  | { readonly kind: 'fd'; readonly fd: number }
  | { readonly kind: 'unix'; readonly path: string }

/** The kernel's limit: sun_path is 108 bytes with its end mark. */
const longestSocketPath = 107

export function isSocketPath(text: string): boolean {
  return /^\/[^\0]+$/.test(text) && Buffer.byteLength(text) <= longestSocketPath
}

/**
 * Reads `host:port`, `[v6]:port`, `:port` (every address, both families), `fd:N` or `unix:/path`.
 *
 * @returns undefined when the text is none of these.
 */
export function parseListen(text: string): ListenAddress | undefined {
  const fd = /^fd:(\d{1,4})$/.exec(text)?.[1]
  if (fd !== undefined) return Number(fd) >= 3 ? { kind: 'fd', fd: Number(fd) } : undefined

  const path = /^unix:(\/[^\0]+)$/.exec(text)?.[1]
  if (path !== undefined) return isSocketPath(path) ? { kind: 'unix', path } : undefined

  const tcp = /^(?:\[([0-9a-fA-F:.%a-z]+)\]|([A-Za-z0-9._-]*)):(\d{1,5})$/.exec(text)
  if (tcp === null || Number(tcp[3]) > 65535) return undefined
  return { kind: 'tcp', host: tcp[1] || tcp[2] || '::', port: Number(tcp[3]) }
}
