/* SPDX-License-Identifier: Apache-2.0 */
#include "classifier.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <rte_bpf.h>
#include <rte_branch_prediction.h>
#include <rte_common.h>
#include <rte_errno.h>

#include "error.h"
#include "filter_emit.h"
#include "filter_fuse.h"
#include "filter_headers.h"
#include "filter_jit.h"
#include "filter_source.h"
#include "filter_tables.h"

struct loaded_program {
	struct rte_bpf *bpf;	/* NULL: there is none */
	struct rte_bpf_jit jit; /* func NULL: interpreted */
	unsigned insns;
	unsigned effort;
	unsigned variation;
};

struct dp_classifier {
	struct dp_filter_tables *tables; /* NULL: the fused programs answer for every packet */
	uint64_t (*fast)(void *);	 /* the fast program's machine code; NULL: there is none */
	unsigned flags;
	struct loaded_program fast_program;
	struct loaded_program exact_program;
	struct dp_classifier_info info;
};

/* One list in sixty needs a second, and now and then a fifth. */
#define VARIATIONS 16

static int
load_program(struct loaded_program *program, const struct dp_filter_code *code, struct dp_error *error)
{
	struct rte_bpf_prm prm = {.ins = code->insns, .nb_ins = code->n, .prog_arg = dp_filter_argument()};
	program->bpf = rte_bpf_load(&prm);
	program->insns = code->n;
	if (program->bpf == NULL)
		return dp_fail(error, rte_errno, "rte_bpf_load", "rule list", "%s: %u instructions refused",
			       rte_strerror(rte_errno), code->n);
	return 0;
}

/* Machine code that cannot be vouched for is not used: then the program is interpreted. */
static enum dp_jit_verdict
adopt_jit(struct loaded_program *program, const struct dp_filter_code *code)
{
	struct rte_bpf_jit jit;
	rte_bpf_get_jit(program->bpf, &jit);
	if (jit.func == NULL)
		return DP_JIT_UNKNOWN;
	enum dp_jit_verdict verdict = dp_filter_jit_check(code->insns, code->n, &jit);
	if (verdict == DP_JIT_SOUND)
		program->jit = jit;
	return verdict;
}

static int
load_some_variation(struct loaded_program *program, const struct dp_filter_dag *dag, struct dp_error *error)
{
	enum dp_jit_verdict verdict = DP_JIT_UNSOUND;
	for (unsigned variation = 0; variation < VARIATIONS && verdict == DP_JIT_UNSOUND; variation++) {
		struct dp_filter_code code;
		rte_bpf_destroy(program->bpf);
		program->bpf = NULL;
		if (dp_filter_emit(&code, dag, variation, error) != 0)
			return -1;
		int result = load_program(program, &code, error);
		if (result == 0)
			verdict = adopt_jit(program, &code);
		dp_filter_code_free(&code);
		if (result != 0)
			return -1;
		program->variation = variation;
	}
	return 0;
}

static int
make_program(struct loaded_program *program, const struct dp_filter_source *source, enum dp_filter_variant variant,
	     unsigned effort, struct dp_error *error)
{
	struct dp_filter_dag dag;
	if (dp_filter_fuse(&dag, source, variant, effort, error) != 0)
		return -1;
	program->effort = effort;
	int result = load_some_variation(program, &dag, error);
	dp_filter_dag_free(&dag);
	return result;
}

/* With as many facts as keep the program within its bounds. */
static int
make_bounded_program(struct loaded_program *program, const struct dp_filter_source *source,
		     enum dp_filter_variant variant, struct dp_error *error)
{
	int result = -1;
	for (unsigned effort = 0; effort < DP_FILTER_EFFORTS && result != 0; effort++) {
		result = make_program(program, source, variant, effort, error);
		if (result != 0 && error->errnum != E2BIG)
			break;
	}
	return result;
}

static int
make_programs(struct dp_classifier *classifier, const struct dp_filter_source *source, unsigned n_rules, unsigned flags,
	      struct dp_error *error)
{
	struct dp_error ignored;
	if (make_bounded_program(&classifier->exact_program, source, DP_FILTER_EXACT, error) != 0)
		return -1;
	/* Without a fast program all packets take the exact one. */
	if ((flags & DP_CLASSIFIER_EXACT_ONLY) == 0)
		make_bounded_program(&classifier->fast_program, source, DP_FILTER_FAST, &ignored);
	classifier->flags = flags;
	if ((flags & DP_CLASSIFIER_INTERPRET) == 0)
		classifier->fast = classifier->fast_program.jit.func;
	if (flags == 0)
		dp_filter_tables_make(&classifier->tables, source, n_rules, &ignored);
	return 0;
}

static void
describe_tables(struct dp_classifier_info *info, const struct dp_filter_tables *tables)
{
	info->shapes = DP_SHAPES;
	info->obstacle_rule = -1;
	if (tables == NULL) {
		info->obstacle = "the list cannot be fused by shape";
		info->obstacle_shape = "every";
		return;
	}
	info->table_bytes = tables->bytes;
	bool whole_shape = false; /* the obstacle noted is in the way of a shape as a whole */
	for (unsigned s = 0; s < DP_SHAPES; s++) {
		const struct dp_shape_tables *shape = &tables->shapes[s];
		info->table_shapes += shape->words != 0;
		info->partial_shapes += shape->bails;
		info->table_fields = RTE_MAX(info->table_fields, shape->n_fields);
		info->table_alternatives = RTE_MAX(info->table_alternatives, shape->n_alternatives);
		if (shape->obstacle == NULL || (info->obstacle != NULL && (whole_shape || shape->words != 0)))
			continue;
		info->obstacle = shape->obstacle;
		info->obstacle_shape = dp_filter_shape_name(s);
		info->obstacle_rule = shape->obstacle_rule;
		whole_shape = shape->words == 0;
	}
}

static void
describe(struct dp_classifier *classifier, const struct dp_filter_source *source, unsigned n_rules)
{
	const struct loaded_program *fast = &classifier->fast_program;
	const struct loaded_program *exact = &classifier->exact_program;
	classifier->info = (struct dp_classifier_info){
		.rules = n_rules,
		.programs = source->n,
		.fast_insns = fast->bpf == NULL ? 0 : fast->insns,
		.exact_insns = exact->insns,
		.fast_jit_bytes = fast->jit.sz,
		.exact_jit_bytes = exact->jit.sz,
		.jit = (classifier->flags & DP_CLASSIFIER_INTERPRET) == 0 &&
		       (fast->bpf == NULL ? exact : fast)->jit.func != NULL,
		.relaid = fast->variation + exact->variation,
		.fuse_effort = fast->effort > exact->effort ? fast->effort : exact->effort,
	};
	for (unsigned i = 0; i < source->n; i++)
		classifier->info.source_insns += source->programs[i].classic.bf_len;
	describe_tables(&classifier->info, classifier->tables);
}

/* Tables for no shape would only be asked in vain. */
static void
drop_empty_tables(struct dp_classifier *classifier)
{
	if (classifier->info.table_shapes > 0)
		return;
	dp_filter_tables_free(classifier->tables);
	classifier->tables = NULL;
}

struct dp_classifier *
dp_classifier_new(const struct dp_rule_source *rules, unsigned n, unsigned flags, struct dp_error *error)
{
	struct dp_filter_source source;
	if (n == 0 || n > DP_MAX_RULES || rules[n - 1].n_match != 0) {
		dp_fail(error, EINVAL, "dp_classifier_new", "rule list",
			"need 1 to %d rules of which the last matches everything, found %u", DP_MAX_RULES, n);
		return NULL;
	}
	if (dp_filter_source_compile(&source, rules, n, error) != 0)
		return NULL;
	struct dp_classifier *classifier = calloc(1, sizeof(*classifier));
	if (classifier == NULL)
		dp_fail(error, ENOMEM, "dp_classifier_new", "rule list", "out of memory");
	if (classifier != NULL && make_programs(classifier, &source, n, flags, error) != 0) {
		dp_classifier_free(classifier);
		classifier = NULL;
	}
	if (classifier != NULL) {
		describe(classifier, &source, n);
		drop_empty_tables(classifier);
	}
	dp_filter_source_free(&source);
	return classifier;
}

void
dp_classifier_free(struct dp_classifier *classifier)
{
	if (classifier == NULL)
		return;
	rte_bpf_destroy(classifier->fast_program.bpf);
	rte_bpf_destroy(classifier->exact_program.bpf);
	dp_filter_tables_free(classifier->tables);
	free(classifier);
}

void
dp_classifier_describe(const struct dp_classifier *classifier, struct dp_classifier_info *info)
{
	*info = classifier->info;
}

static uint16_t
run(const struct loaded_program *program, struct rte_mbuf *pkt, unsigned flags)
{
	if (program->jit.func == NULL || (flags & DP_CLASSIFIER_INTERPRET) != 0)
		return (uint16_t)rte_bpf_exec(program->bpf, pkt);
	return (uint16_t)program->jit.func(pkt);
}

static __rte_noinline uint16_t
classify_exactly(const struct dp_classifier *classifier, struct rte_mbuf *pkt, unsigned flags)
{
	if (dp_filter_headers_truncated(pkt))
		return DP_CLASSIFY_TRUNCATED;
	return run(&classifier->exact_program, pkt, flags);
}

static uint16_t
classify_by_programs(const struct dp_classifier *classifier, struct rte_mbuf *pkt, unsigned flags)
{
	uint16_t index = DP_FILTER_BAIL;
	if (classifier->fast_program.bpf != NULL && (flags & DP_CLASSIFIER_EXACT_ONLY) == 0)
		index = run(&classifier->fast_program, pkt, flags);
	return index == DP_FILTER_BAIL ? classify_exactly(classifier, pkt, flags) : index;
}

uint16_t
dp_classify_one(const struct dp_classifier *classifier, struct rte_mbuf *pkt, unsigned flags)
{
	uint16_t index;
	if (flags == 0 && classifier->tables != NULL) {
		dp_filter_tables_classify(classifier->tables, &pkt, 1, &index);
		if (index != DP_FILTER_BAIL)
			return index;
	}
	return classify_by_programs(classifier, pkt, flags | classifier->flags);
}

static __rte_noinline void
classify_the_rest(const struct dp_classifier *classifier, struct rte_mbuf **pkts, uint16_t n, uint16_t *index)
{
	for (uint16_t i = 0; i < n; i++)
		if (index[i] == DP_FILTER_BAIL)
			index[i] = classify_by_programs(classifier, pkts[i], classifier->flags);
}

static void
classify_fused(const struct dp_classifier *classifier, struct rte_mbuf **pkts, uint16_t n, uint16_t *index)
{
	uint64_t (*fast)(void *) = classifier->fast;
	if (unlikely(fast == NULL)) {
		for (uint16_t i = 0; i < n; i++)
			index[i] = classify_by_programs(classifier, pkts[i], classifier->flags);
		return;
	}
	for (uint16_t i = 0; i < n; i++) {
		uint64_t answer = fast(pkts[i]);
		index[i] = (uint16_t)answer;
		if (unlikely(answer == DP_FILTER_BAIL))
			index[i] = classify_exactly(classifier, pkts[i], 0);
	}
}

void
dp_classify_burst(const struct dp_classifier *classifier, struct rte_mbuf **pkts, uint16_t n, uint16_t *index)
{
	if (unlikely(classifier->tables == NULL))
		classify_fused(classifier, pkts, n, index);
	else if (unlikely(dp_filter_tables_classify(classifier->tables, pkts, n, index)))
		classify_the_rest(classifier, pkts, n, index);
}

int
dp_classify_shape(const struct dp_classifier *classifier, const struct rte_mbuf *pkt)
{
	if (classifier->tables == NULL)
		return -1;
	uint8_t shape = dp_filter_tables_shape(classifier->tables, pkt);
	return shape == DP_SHAPE_NONE ? -1 : shape;
}
