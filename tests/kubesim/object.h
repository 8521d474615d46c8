/*
 * One version of one Kubernetes object: immutable, counted, as compact JSON text with the few facts that lists,
 * selectors and owners need beside it. Nothing here knows what the object means.
 *
 * The text always begins {"kind":K,"apiVersion":V,"metadata":{"resourceVersion":"N", so that a list item (which has no
 * kind) and a version number are a matter of offsets, not of parsing.
 */
#ifndef KUBESIM_OBJECT_H
#define KUBESIM_OBJECT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/compiler.h"
#include "common/services/json.h"

struct sim_kind;

#define SIM_UID_MAX 40   /* bytes with the NUL; a random UUID has 36 characters */
#define SIM_OWNERS_MAX 4 /* owner references that garbage collection looks at */

struct sim_object {
	atomic_int refs;
	const struct sim_kind *kind;
	uint64_t version; /* metadata.resourceVersion */
	char uid[SIM_UID_MAX];
	char owners[SIM_OWNERS_MAX][SIM_UID_MAX]; /* uids; "" from the first unused one on */
	bool deleting;                            /* has a deletionTimestamp */
	const char *key;                          /* "namespace/name", or "name" for a kind without namespaces */
	const char *name;                         /* inside key */
	size_t namespace_len;                     /* bytes of key that are the namespace */
	size_t label_count;
	const char **labels; /* key, value, key, value... */
	char *text;          /* the whole object as JSON */
	size_t text_len;
	size_t item_offset; /* '{' and the text from here on is the object without kind and apiVersion */
};

/*
 * Make a version from a tree. The tree's members kind, apiVersion and metadata.resourceVersion are replaced.
 *
 * tree     borrowed; metadata is moved to the front.
 * version  0 leaves resourceVersion out, as a dry run does.
 *
 * Returns NULL when memory is short. The caller owns one reference.
 */
struct sim_object *sim_object_create(const struct sim_kind *kind, cJSON *tree, uint64_t version) must_check;

/* The same object under another version number. NULL when memory is short. */
struct sim_object *sim_object_renumber(const struct sim_object *object, uint64_t version) must_check;

struct sim_object *sim_object_ref(struct sim_object *object);
void sim_object_unref(struct sim_object *object);

/* Are they equal but for the version number? */
bool sim_object_same(const struct sim_object *a, const struct sim_object *b);

/* Are their texts of the same length, but for the version number? */
bool sim_object_same_length(const struct sim_object *a, const struct sim_object *b);

/* The object as a tree that the caller frees; NULL when memory is short. */
cJSON *sim_object_tree(const struct sim_object *object) must_check;

/* The value of a label; NULL when it is not there. */
const char *sim_object_label(const struct sim_object *object, const char *key);

/* For `cleanup_object struct sim_object *o = NULL;` */
void sim_object_cleanup(struct sim_object **object);
#define cleanup_object cleanup_with(sim_object_cleanup)

#endif
