import { type FSWatcher, readFileSync, watch } from 'node:fs'
import { join } from 'node:path'
import { readDownwardMap } from './downward-api.js'
import { statusKeys } from './pod.js'

/**
 * Waits until Multus' network status is in the annotations. The kubelet writes the pod's files before Multus has
 * finished, and renews them later: it fills a new folder and swaps the symbolic link `..data` to it.
 *
 * @param folder  of the downward API, e.g. /etc/podnetinfo.
 * @returns whether it is there; false after the deadline, or when there is no such folder.
 * @see kubernetes pkg/volume/util/atomic_writer.go
 */
export async function waitForNetworkStatus(folder: string, deadlineMs: number, signal?: AbortSignal): Promise<boolean> {
  if (hasStatus(folder)) return true
  let watcher: FSWatcher | undefined
  try {
    watcher = watch(folder)
  } catch {
    return false
  }
  const ends = AbortSignal.any([AbortSignal.timeout(deadlineMs), ...(signal === undefined ? [] : [signal])])
  try {
    return await statusAppears(folder, watcher, ends)
  } finally {
    watcher.close()
  }
}

function statusAppears(folder: string, watcher: FSWatcher, ends: AbortSignal): Promise<boolean> {
  return new Promise((resolve) => {
    const look = () => {
      if (hasStatus(folder)) resolve(true)
    }
    watcher.on('change', look)
    watcher.on('error', () => resolve(hasStatus(folder)))
    ends.addEventListener('abort', () => resolve(hasStatus(folder)), { once: true })
    // It may have come between the first look and the watch.
    if (ends.aborted) resolve(hasStatus(folder))
    else look()
  })
}

function hasStatus(folder: string): boolean {
  try {
    const { values } = readDownwardMap(readFileSync(join(folder, 'annotations'), 'utf8'))
    return statusKeys.some((key) => values.has(key))
  } catch {
    return false
  }
}
