/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Remembers which node a state became under which facts. An entry also holds for other facts, as long as they say
 * the same about all that was consulted on the way: this is what keeps the DAG a DAG.
 */
#include <stdlib.h>
#include <string.h>

#include "filter_fuse_internal.h"

#define MEMO_SLOTS (1u << 15)
#define MEMO_MAX_FACTS (64u << 20) /* bytes; then a smaller effort is tried */
#define BLOCK_BYTES (256u << 10)

struct memo_entry {
	struct memo_entry *next;
	struct dp_state state;
	const struct dp_facts *facts;
	uint32_t node;
	struct dp_support consulted;
};

struct facts_entry {
	struct facts_entry *next;
	struct dp_facts facts;
};

struct block {
	struct block *next;
	size_t used;
	max_align_t bytes[];
};

struct dp_memo {
	struct memo_entry *entries[MEMO_SLOTS];
	struct facts_entry *facts[MEMO_SLOTS];
	struct block *blocks;
	size_t allocated;
};

struct dp_memo *
dp_memo_new(void)
{
	return calloc(1, sizeof(struct dp_memo));
}

void
dp_memo_free(struct dp_memo *memo)
{
	if (memo == NULL)
		return;
	while (memo->blocks != NULL) {
		struct block *block = memo->blocks;
		memo->blocks = block->next;
		free(block);
	}
	free(memo);
}

static void *
allocate(struct dp_memo *memo, size_t size)
{
	size = (size + sizeof(max_align_t) - 1) & ~(sizeof(max_align_t) - 1);
	if (memo->blocks == NULL || memo->blocks->used + size > BLOCK_BYTES) {
		if (memo->allocated > MEMO_MAX_FACTS)
			return NULL;
		struct block *block = malloc(sizeof(*block) + BLOCK_BYTES);
		if (block == NULL)
			return NULL;
		block->next = memo->blocks;
		block->used = 0;
		memo->blocks = block;
		memo->allocated += BLOCK_BYTES;
	}
	void *bytes = (char *)memo->blocks->bytes + memo->blocks->used;
	memo->blocks->used += size;
	return bytes;
}

static uint32_t
hash_words(const void *words, size_t size)
{
	const uint32_t *word = words;
	uint64_t hash = size;
	for (size_t i = 0; i < size / sizeof(*word); i++)
		hash = (hash ^ word[i]) * 0x9e3779b97f4a7c15u;
	return (uint32_t)(hash >> 32) % MEMO_SLOTS;
}

const struct dp_facts *
dp_memo_facts(struct dp_memo *memo, const struct dp_facts_builder *builder)
{
	size_t size = builder->n * sizeof(builder->facts[0]);
	struct facts_entry **slot = &memo->facts[hash_words(builder->facts, size)];
	for (struct facts_entry *entry = *slot; entry != NULL; entry = entry->next)
		if (entry->facts.n == builder->n && memcmp(entry->facts.facts, builder->facts, size) == 0)
			return &entry->facts;
	struct facts_entry *entry = allocate(memo, sizeof(*entry) + size);
	if (entry == NULL)
		return NULL;
	entry->facts.n = builder->n;
	memcpy(entry->facts.facts, builder->facts, size);
	entry->next = *slot;
	*slot = entry;
	return &entry->facts;
}

bool
dp_memo_find(struct dp_memo *memo, const struct dp_expr_table *table, const struct dp_state *state,
	     const struct dp_facts *facts, uint32_t *node, struct dp_support *consulted)
{
	for (struct memo_entry *entry = memo->entries[hash_words(state, sizeof(*state))]; entry != NULL;
	     entry = entry->next) {
		if (memcmp(&entry->state, state, sizeof(*state)) != 0 ||
		    !dp_facts_agree(entry->facts, facts, table, &entry->consulted))
			continue;
		*node = entry->node;
		dp_support_add(consulted, &entry->consulted);
		return true;
	}
	return false;
}

bool
dp_memo_add(struct dp_memo *memo, const struct dp_state *state, const struct dp_facts *facts, uint32_t node,
	    const struct dp_support *consulted)
{
	struct memo_entry *entry = allocate(memo, sizeof(*entry));
	if (entry == NULL)
		return false;
	struct memo_entry **slot = &memo->entries[hash_words(state, sizeof(*state))];
	*entry = (struct memo_entry){
		.next = *slot, .state = *state, .facts = facts, .node = node, .consulted = *consulted};
	*slot = entry;
	return true;
}
