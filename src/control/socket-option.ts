import { findControlSocket } from './find-socket.js'

/** The control socket that `--socket` names, else where the configuration of this environment puts it. */
export async function socketOf({ socket }: { readonly socket?: string }): Promise<string> {
  if (socket !== undefined) return socket
  const { loadFromOptions } = await import('../cli/config.js')
  return findControlSocket((await loadFromOptions({})).config)
}
