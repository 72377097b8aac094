/* SPDX-License-Identifier: Apache-2.0 */
/*
 * VLAN tags that a device took off: the PF of igb does so as soon as its VF lets a VLAN in, and rules, fast path and
 * the tap's children look for them in the frame.
 */
#ifndef DP_VLAN_H
#define DP_VLAN_H

#include <string.h>

#include <rte_ether.h>
#include <rte_mbuf.h>

static inline void
dp_vlan_put_tag(struct rte_mbuf *m, uint16_t type, uint16_t tci)
{
	uint8_t *frame = (uint8_t *)rte_pktmbuf_prepend(m, RTE_VLAN_HLEN);
	if (frame == NULL)
		return; /* every mbuf has RTE_PKTMBUF_HEADROOM when a driver fills it */
	memmove(frame, frame + RTE_VLAN_HLEN, 2 * RTE_ETHER_ADDR_LEN);
	const rte_be16_t tag[2] = {rte_cpu_to_be_16(type), rte_cpu_to_be_16(tci)};
	memcpy(frame + 2 * RTE_ETHER_ADDR_LEN, tag, sizeof(tag));
}

/* QINQ_STRIPPED is about the outer tag, of type 802.1ad; VLAN_STRIPPED about the only one, or the inner one. */
static inline void
dp_vlan_restore(struct rte_mbuf *m)
{
	const uint64_t stripped = RTE_MBUF_F_RX_VLAN_STRIPPED | RTE_MBUF_F_RX_QINQ_STRIPPED;
	if ((m->ol_flags & stripped) == 0)
		return;
	if (m->ol_flags & RTE_MBUF_F_RX_VLAN_STRIPPED)
		dp_vlan_put_tag(m, RTE_ETHER_TYPE_VLAN, m->vlan_tci);
	if (m->ol_flags & RTE_MBUF_F_RX_QINQ_STRIPPED)
		dp_vlan_put_tag(m, RTE_ETHER_TYPE_QINQ, m->vlan_tci_outer);
	m->ol_flags &= ~(stripped | RTE_MBUF_F_RX_VLAN | RTE_MBUF_F_RX_QINQ);
}

#endif
