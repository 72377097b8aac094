/**
 * Bytes on the channel that are no message throw inside Node, outside of any call of ours: as an uncaught exception.
 * They are the worker's fault and must not take the supervisor along; every other uncaught exception is our bug.
 *
 * @returns takes the handler away again
 */
export function catchChannelFaults(onFault: (message: string) => void, onBug: (error: unknown) => void): () => void {
  const take = (error: unknown): void => {
    if (error instanceof Error && /\bparseChannelMessages\b/.test(error.stack ?? '')) onFault(error.message)
    else onBug(error)
  }
  process.on('uncaughtException', take)
  return () => {
    process.off('uncaughtException', take)
  }
}
