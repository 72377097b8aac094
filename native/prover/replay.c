/* SPDX-License-Identifier: Apache-2.0 */
#include "replay.h"

#include <stdio.h>
#include <string.h>

#include <pcap/pcap.h>

#include "answer.h"

static void
print_packet(const struct dp_classifier *classifier, unsigned long number, const struct pcap_pkthdr *header,
	     const uint8_t *bytes)
{
	/* An mbuf holds no more; a frame that long has been put together by the capturing host. */
	uint16_t length = (uint16_t)(header->caplen < UINT16_MAX ? header->caplen : UINT16_MAX);
	struct rte_mbuf mbuf;
	struct rte_mbuf *pkt = &mbuf;
	uint16_t index;
	memset(&mbuf, 0, sizeof(mbuf));
	mbuf.buf_addr = (void *)(uintptr_t)bytes;
	mbuf.buf_len = length;
	mbuf.data_len = length;
	mbuf.pkt_len = length;
	mbuf.nb_segs = 1;
	dp_classify_burst(classifier, &pkt, 1, &index);
	if (index == DP_CLASSIFY_TRUNCATED)
		printf("packet %lu %u truncated\n", number, header->caplen);
	else
		printf("packet %lu %u %u\n", number, header->caplen, index);
}

static void
print_file(const struct dp_classifier *classifier, pcap_t *file)
{
	struct pcap_pkthdr *header;
	const uint8_t *bytes;
	unsigned long number = 0;
	int result;
	if (pcap_datalink(file) != DLT_EN10MB) {
		dp_answer_line("failed need a capture of Ethernet frames, found link type %s",
			       pcap_datalink_val_to_description_or_dlt(pcap_datalink(file)));
		return;
	}
	while ((result = pcap_next_ex(file, &header, &bytes)) == 1)
		print_packet(classifier, ++number, header, bytes);
	if (result == PCAP_ERROR)
		dp_answer_line("failed after %lu packets: %s", number, pcap_geterr(file));
	else
		printf("done %lu\n", number);
}

void
dp_replay(const struct dp_rule_source *rules, unsigned n, const char *path)
{
	char problem[PCAP_ERRBUF_SIZE] = "";
	struct dp_error error;
	struct dp_classifier *classifier = dp_classifier_new(rules, n, 0, &error);
	if (classifier == NULL) {
		dp_answer_refused(rules, n, &error);
		return;
	}
	pcap_t *file = pcap_open_offline(path, problem);
	if (file == NULL)
		dp_answer_line("failed %s", problem);
	else
		print_file(classifier, file);
	if (file != NULL)
		pcap_close(file);
	dp_classifier_free(classifier);
}
