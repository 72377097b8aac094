import { prepareInitramfs } from '../../scripts/vm/initramfs.mjs'
import { prepareKernel } from '../../scripts/vm/kernel.mjs'
import { checkQemu } from '../../scripts/vm/qemu.mjs'

/** Once, before several files boot from it at the same time. A machine that cannot run a guest is told in one line. */
export function setup(): void {
  try {
    checkQemu()
    for (const source of ['stable', 'backports'] as const) prepareInitramfs(prepareKernel(undefined, source))
  } catch (error) {
    console.error((error as Error).message)
    process.exit((error as { exitCode?: number }).exitCode ?? 70)
  }
}
