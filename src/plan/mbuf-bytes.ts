/** struct rte_mbuf and the mempool's object header. */
const objectOverheadBytes = 128 + 64
/** A mempool may make its objects a cache line longer, to spread them over memory channels. */
const spreadBytes = 64
/** Its place in the mempool's ring. */
const ringBytes = 8
/** The smallest that kernels have; with larger ones (arm64) less is lost. */
const smallPageBytes = 4096

/**
 * What an mbuf of a mempool costs in hugepages, and without them. DPDK then takes small pages for not contiguous
 * and lets no object cross a page. An mbuf is larger than half of one, so it takes whole pages.
 *
 * @see DPDK, rte_mempool_get_page_size and rte_mempool_op_calc_mem_size_helper
 */
export function mbufBytes(dataRoomBytes: number, hugepages: boolean): number {
  const object = dataRoomBytes + objectOverheadBytes
  if (hugepages) return object + ringBytes
  return Math.ceil((object + spreadBytes) / smallPageBytes) * smallPageBytes + ringBytes
}
