/* SPDX-License-Identifier: Apache-2.0 */
#include "filter_source.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"

/*
 * What the fuser assumes of a program and libpcap promises, but for one thing: `protochain` makes loops. They
 * have no place on an lcore, and rte_bpf takes none.
 */
static const char *
find_defect(const struct bpf_program *program)
{
	for (uint32_t pc = 0; pc < program->bf_len; pc++) {
		const struct bpf_insn *insn = &program->bf_insns[pc];
		if (BPF_CLASS(insn->code) != BPF_JMP)
			continue;
		uint32_t furthest = BPF_OP(insn->code) == BPF_JA ? insn->k : insn->jt > insn->jf ? insn->jt : insn->jf;
		if (furthest >= program->bf_len - pc - 1)
			return "loops are not supported (protochain)";
	}
	if (program->bf_len > INT16_MAX)
		return "the compiled program is too long";
	if (program->bf_len == 0 || BPF_CLASS(program->bf_insns[program->bf_len - 1].code) != BPF_RET)
		return "the compiled program has no end";
	return NULL;
}

static int
compile_expression(pcap_t *pcap, const char *text, const char *name, struct bpf_program *program,
		   struct dp_error *error)
{
	if (strlen(text) > DP_FILTER_MAX_TEXT)
		return dp_fail(error, EINVAL, "pcap_compile", name, "expression has %zu bytes, at most %d are allowed",
			       strlen(text), DP_FILTER_MAX_TEXT);
	if (pcap_compile(pcap, program, text, 1, PCAP_NETMASK_UNKNOWN) != 0)
		return dp_fail(error, EINVAL, "pcap_compile", name, "%s", pcap_geterr(pcap));
	const char *defect = find_defect(program);
	if (defect == NULL)
		return 0;
	pcap_freecode(program);
	return dp_fail(error, EINVAL, "pcap_compile", name, "%s", defect);
}

static int
compile_rule(pcap_t *pcap, struct dp_filter_source *source, const struct dp_rule_source *rule, unsigned index,
	     struct dp_error *error)
{
	if (source->n + rule->n_match + 1 > DP_FILTER_MAX_PROGRAMS)
		return dp_fail(error, E2BIG, "dp_classifier_new", rule->name, "the list has more than %d expressions",
			       DP_FILTER_MAX_PROGRAMS);
	if (rule->n_match == 0)
		source->programs[source->n++] = (struct dp_filter_program){.rule = index};
	for (unsigned m = 0; m < rule->n_match; m++) {
		struct dp_filter_program *program = &source->programs[source->n];
		program->rule = index;
		if (compile_expression(pcap, rule->match[m], rule->name, &program->classic, error) != 0)
			return -1;
		source->n++;
	}
	return 0;
}

int
dp_filter_source_compile(struct dp_filter_source *source, const struct dp_rule_source *rules, unsigned n,
			 struct dp_error *error)
{
	*source = (struct dp_filter_source){.programs = calloc(DP_FILTER_MAX_PROGRAMS, sizeof(*source->programs))};
	pcap_t *pcap = pcap_open_dead(DLT_EN10MB, 65535);
	int result = 0;
	if (source->programs == NULL || pcap == NULL)
		result = dp_fail(error, ENOMEM, "pcap_open_dead", "rule list", "out of memory");
	for (unsigned i = 0; result == 0 && i < n; i++)
		result = compile_rule(pcap, source, &rules[i], i, error);
	if (pcap != NULL)
		pcap_close(pcap);
	if (result != 0)
		dp_filter_source_free(source);
	return result;
}

void
dp_filter_source_free(struct dp_filter_source *source)
{
	for (unsigned i = 0; i < source->n; i++)
		pcap_freecode(&source->programs[i].classic);
	free(source->programs);
	*source = (struct dp_filter_source){0};
}
