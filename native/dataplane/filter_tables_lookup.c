/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A burst through the tables. Most bursts are of one shape: that is seen by comparing the bytes that make the shape
 * with those of the first packet. A block of packets then goes from field to field, so that what a field's lookup needs
 * stays in registers and loads for different packets do not wait for each other.
 */
#include <string.h>

#include <rte_branch_prediction.h>
#include <rte_mbuf.h>

#include "filter_dag.h"
#include "filter_tables.h"

#define BATCH 32
#define BLOCK 8
#define FEW 4

struct batch {
	const uint8_t *frames[BATCH];
	uint32_t lengths[BATCH]; /* when the shape asks for them */
};

static inline uint8_t
shape_of(const struct dp_filter_tables *tables, const struct rte_mbuf *pkt)
{
	uint16_t in_segment = rte_pktmbuf_data_len(pkt);
	if (unlikely(in_segment < DP_SHAPE_WINDOW))
		return DP_SHAPE_NONE;
	uint8_t shape = dp_shape_of(tables->by_protocol, rte_pktmbuf_mtod(pkt, const uint8_t *));
	if (shape == DP_SHAPE_NONE || unlikely(in_segment < tables->shapes[shape].least))
		return DP_SHAPE_NONE;
	return shape;
}

uint8_t
dp_filter_tables_shape(const struct dp_filter_tables *tables, const struct rte_mbuf *pkt)
{
	return shape_of(tables, pkt);
}

static inline const uint64_t *
row_of_value(const struct dp_field_table *field, uint16_t value, unsigned words)
{
	return &field->rows[field->class_of[value] * words];
}

/* Without branches, here and below: which packet is the next one is not to be foretold. */
static inline const uint64_t *
row_of_word(const struct dp_field_table *field, uint32_t value, unsigned words)
{
	const struct dp_word_slot *slot = &field->slots[(value & field->mask) * field->multiplier >> field->shift];
	uint32_t found = 0u - (uint32_t)(slot->key == (value & field->mask));
	return &field->rows[(slot->class & found) * words];
}

static inline const uint64_t *
row_of_one_word(const struct dp_field_table *field, uint32_t value, unsigned words)
{
	uint32_t class = (value & field->mask) == field->key;
	return &field->rows[class * words];
}

static inline __attribute__((always_inline)) void
keep_common(uint64_t *common, const uint64_t *row, unsigned words)
{
	for (unsigned w = 0; w < words; w++)
		common[w] &= row[w];
}

/* Leaves of each frame's alternatives those that the field allows. */
static inline __attribute__((always_inline)) void
apply_field(const struct dp_field_table *table, const uint8_t *const *frames, const uint32_t *lengths,
	    uint64_t common[BLOCK][DP_TABLES_MAX_WORDS], unsigned words)
{
	const struct dp_field_table field = *table;
	switch (field.kind) {
	case DP_FIELD_BYTE:
		for (unsigned i = 0; i < BLOCK; i++)
			keep_common(common[i], row_of_value(&field, frames[i][field.offset], words), words);
		return;
	case DP_FIELD_HALF:
		for (unsigned i = 0; i < BLOCK; i++)
			keep_common(common[i], row_of_value(&field, dp_shape_load16(frames[i] + field.offset), words),
				    words);
		return;
	case DP_FIELD_ONE_WORD:
		for (unsigned i = 0; i < BLOCK; i++)
			keep_common(common[i],
				    row_of_one_word(&field, dp_shape_load32(frames[i] + field.offset), words), words);
		return;
	case DP_FIELD_WORD:
		for (unsigned i = 0; i < BLOCK; i++)
			keep_common(common[i], row_of_word(&field, dp_shape_load32(frames[i] + field.offset), words),
				    words);
		return;
	default: /* DP_FIELD_LENGTH */
		for (unsigned i = 0; i < BLOCK; i++) {
			uint32_t length = lengths[i] < UINT16_MAX ? lengths[i] : UINT16_MAX;
			keep_common(common[i], row_of_value(&field, (uint16_t)length, words), words);
		}
	}
}

/*
 * The number of the lowest bit, of which there is one. Compiled for the CPU that DPDK is built for, `bsf` is what comes
 * of the builtin, at some eight times the cost of `tzcnt` on AMD; as such it is read with this prefix by all that know
 * it.
 */
static inline unsigned
lowest_bit(uint64_t word)
{
#if defined(RTE_ARCH_X86_64)
	uint64_t bit;
	__asm__("rep bsf %1, %0" : "=r"(bit) : "r"(word) : "cc");
	return (unsigned)bit;
#else
	return (unsigned)__builtin_ctzll(word);
#endif
}

/* The last alternative takes everything: there always is a bit. */
static inline __attribute__((always_inline)) unsigned
lowest(const uint64_t *common, unsigned words)
{
	uint64_t word = common[words - 1];
	unsigned before = 64 * (words - 1);
	for (unsigned w = words - 1; w-- > 0;) {
		word = common[w] != 0 ? common[w] : word;
		before = common[w] != 0 ? 64 * w : before;
	}
	return before + lowest_bit(word);
}

static inline __attribute__((always_inline)) void
answer_in_words(const struct dp_shape_tables *shape, const uint8_t *const *frames, const uint32_t *lengths,
		uint16_t *index, unsigned words)
{
	uint64_t common[BLOCK][DP_TABLES_MAX_WORDS];
	for (unsigned i = 0; i < BLOCK; i++)
		for (unsigned w = 0; w < words; w++)
			common[i][w] = UINT64_MAX;
	for (unsigned f = 0; f < shape->n_fields; f++)
		apply_field(&shape->fields[f], frames, lengths, common, words);
	for (unsigned i = 0; i < BLOCK; i++)
		index[i] = shape->answers[lowest(common[i], words)];
}

static inline void
answer_block(const struct dp_shape_tables *shape, const uint8_t *const *frames, const uint32_t *lengths,
	     uint16_t *index)
{
	switch (shape->words) {
	case 1:
		answer_in_words(shape, frames, lengths, index, 1);
		break;
	case 2:
		answer_in_words(shape, frames, lengths, index, 2);
		break;
	case 4:
		answer_in_words(shape, frames, lengths, index, 4);
		break;
	default:
		answer_in_words(shape, frames, lengths, index, DP_TABLES_MAX_WORDS);
	}
}

/* Fills the last block up: `index` has room for it. */
static inline void
answer_batch(const struct dp_shape_tables *shape, struct batch *batch, unsigned n, uint16_t *index)
{
	for (unsigned i = n; i % BLOCK != 0; i++) {
		batch->frames[i] = batch->frames[0];
		batch->lengths[i] = 0;
	}
	for (unsigned i = 0; i < n; i += BLOCK)
		answer_block(shape, batch->frames + i, batch->lengths + i, index + i);
}

typedef uint64_t shape_bytes __attribute__((vector_size(16)));

static inline shape_bytes
load_shape_bytes(const uint8_t *frame)
{
	shape_bytes bytes;
	memcpy(&bytes, frame + DP_SHAPE_BYTES_AT, sizeof(bytes));
	return bytes;
}

static inline bool
differ_in(shape_bytes differences, uint8_t shape)
{
	shape_bytes mask;
	memcpy(&mask, dp_shape_masks[shape / DP_TRANSPORTS], sizeof(mask));
	differences &= mask;
	return (differences[0] | differences[1]) != 0;
}

/* Whether all packets are of the shape that the first one is of; if so, their frames. */
static inline bool
are_alike(const struct dp_filter_tables *tables, uint8_t shape, struct rte_mbuf *const *pkts, unsigned n,
	  const uint8_t **frames)
{
	const uint16_t least = tables->shapes[shape].least;
	const shape_bytes first = load_shape_bytes(rte_pktmbuf_mtod(pkts[0], const uint8_t *));
	for (unsigned from = 0; from < n; from += BLOCK) {
		shape_bytes differences = {0, 0};
		for (unsigned i = from; i < n && i < from + BLOCK; i++) {
			if (unlikely(rte_pktmbuf_data_len(pkts[i]) < least))
				return false;
			frames[i] = rte_pktmbuf_mtod(pkts[i], const uint8_t *);
			differences |= load_shape_bytes(frames[i]) ^ first;
		}
		if (differ_in(differences, shape))
			return false;
	}
	return true;
}

/* Answers for packets of one shape among others: a bit of `places` each. */
static void
answer_some(const struct dp_filter_tables *tables, unsigned shape, struct rte_mbuf *const *pkts, uint32_t places,
	    uint16_t *index)
{
	struct batch batch;
	uint16_t answers[BATCH];
	unsigned n = 0;
	for (uint32_t left = places; left != 0; left &= left - 1, n++) {
		const struct rte_mbuf *pkt = pkts[lowest_bit(left)];
		batch.frames[n] = rte_pktmbuf_mtod(pkt, const uint8_t *);
		batch.lengths[n] = rte_pktmbuf_pkt_len(pkt);
	}
	answer_batch(&tables->shapes[shape], &batch, n, answers);
	n = 0;
	for (uint32_t left = places; left != 0; left &= left - 1)
		index[lowest_bit(left)] = answers[n++];
}

/* A mixed batch: shape by shape. A few packets of a shape are not worth while: the fused program takes them. */
static __attribute__((noinline)) void
answer_by_shape(const struct dp_filter_tables *tables, struct rte_mbuf *const *pkts, unsigned n, uint16_t *index)
{
	uint32_t places[DP_SHAPES + 1] = {0};
	uint32_t shapes = 0;
	for (unsigned i = 0; i < n; i++) {
		uint8_t shape = shape_of(tables, pkts[i]);
		places[shape] |= UINT32_C(1) << i;
		shapes |= UINT32_C(1) << shape;
		index[i] = DP_FILTER_BAIL;
	}
	for (shapes &= ~(UINT32_C(1) << DP_SHAPE_NONE); shapes != 0; shapes &= shapes - 1) {
		unsigned shape = lowest_bit(shapes);
		if (__builtin_popcount(places[shape]) >= FEW)
			answer_some(tables, shape, pkts, places[shape], index);
	}
}

/* Returns whether there may be DP_FILTER_BAIL among the answers. */
static inline bool
classify_batch(const struct dp_filter_tables *tables, struct rte_mbuf *const *pkts, unsigned n, uint16_t *index)
{
	struct batch batch;
	uint8_t first = shape_of(tables, pkts[0]);
	if (unlikely(first == DP_SHAPE_NONE || !are_alike(tables, first, pkts, n, batch.frames))) {
		answer_by_shape(tables, pkts, n, index);
		return true;
	}
	const struct dp_shape_tables *shape = &tables->shapes[first];
	for (unsigned i = 0; shape->asks_length && i < n; i++)
		batch.lengths[i] = rte_pktmbuf_pkt_len(pkts[i]);
	if (likely(n % BLOCK == 0)) {
		answer_batch(shape, &batch, n, index);
	} else {
		uint16_t answers[BATCH];
		answer_batch(shape, &batch, n, answers);
		memcpy(index, answers, n * sizeof(*index));
	}
	return shape->bails;
}

bool
dp_filter_tables_classify(const struct dp_filter_tables *tables, struct rte_mbuf *const *pkts, uint16_t n,
			  uint16_t *index)
{
	bool bails = false;
	for (unsigned i = 0; i < n; i += BATCH)
		bails |= classify_batch(tables, pkts + i, n - i < BATCH ? n - i : BATCH, index + i);
	return bails;
}
