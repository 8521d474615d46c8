/*
 * One version of one Kubernetes object: reference-counted, immutable once stored, as compact JSON text with the facts
 * needed for lists, selectors and owners. Independent of the kind.
 */
#ifndef KUBESIM_OBJECT_H
#define KUBESIM_OBJECT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/adapters/crypto.h"
#include "common/base/buf.h"
#include "common/services/json.h"

struct sim_kind;

#define SIM_OWNERS_MAX 4 /* owner references used by garbage collection */

struct sim_object {
	atomic_int refs;
	const struct sim_kind *kind;
	uint64_t version; /* metadata.resourceVersion; set once, by the store */
	char uid[CRYPTO_UUID_MAX];
	char owners[SIM_OWNERS_MAX][CRYPTO_UUID_MAX]; /* uids; "" for unused ones */
	bool deleting;                                /* has a deletionTimestamp */
	char *ns;                                     /* "" for a kind without namespaces */
	char *name;
	char *key;     /* "namespace/name", or "name" for a kind without namespaces */
	cJSON *labels; /* may be NULL */
	char *text;    /* JSON without kind, apiVersion and resourceVersion; metadata is first */
	size_t text_len;
};

/*
 * Make a version from a tree, which is borrowed: its kind, apiVersion and metadata.resourceVersion are dropped.
 * Returns NULL when out of memory. The caller owns one reference.
 */
struct sim_object *sim_object_create(const struct sim_kind *kind, cJSON *tree) must_check;

struct sim_object *sim_object_ref(struct sim_object *object);
void sim_object_unref(struct sim_object *object);

/* The object as a tree, as left by sim_object_create(); freed by the caller. NULL if out of memory. */
cJSON *sim_object_tree(const struct sim_object *object) must_check;

/* Append the object as JSON with this version; without kind and apiVersion if it is an item of a list. */
void sim_object_write(const struct sim_object *object, uint64_t version, bool is_item, struct buf *out);

/* The value of a label; NULL: absent. */
const char *sim_object_label(const struct sim_object *object, const char *key);

/* For `cleanup_object struct sim_object *o = NULL;` */
void sim_object_cleanup(struct sim_object **object);
#define cleanup_object cleanup_with(sim_object_cleanup)

#endif
