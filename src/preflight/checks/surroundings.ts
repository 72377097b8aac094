import type { Environment } from '../../environment/types.js'

/**
 * The words for the place where Spillway runs: who reads "pod spec" on a plain machine looks for what is not there.
 *
 * @param words  `container` is one without Kubernetes; left out where it goes as on a host.
 */
export function wordsFor<Words>(
  { pod, kernel }: Environment,
  words: { readonly pod: Words; readonly container?: Words; readonly host: Words },
): Words {
  if (pod.kubernetes) return words.pod
  return kernel.containerRuntime === null ? words.host : (words.container ?? words.host)
}
