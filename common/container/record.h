/*
 * The last status of each container that was reported to DCM, as stored in the key-value bucket (bucket_name.h). Pure.
 * Written by monitors before the first report and after later ones, and by workers after a create
 * (kube-worker/op_create.c).
 */
#ifndef COMMON_CONTAINER_RECORD_H
#define COMMON_CONTAINER_RECORD_H

#include "common/container/container_status.h"
#include "common/kube/kube_path.h"
#include "common/resource.h"
#include "common/services/json.h"

#define RECORD_KEY_MAX 512
#define RECORD_MAX 4096 /* bytes of a value */
#define RECORD_LEADER_KEY "leader"

struct record {
	const char *id;      /* of the instance */
	enum kube_kind kind; /* of its root; omitted for the first kind, the default */
	const char *name;    /* of its root */
	enum container_status status;
	int64_t version; /* of a worker: the resourceVersion of the new root; 0: unknown */
};

/* The key of an instance; instance_id NULL: the pattern for all of the type. */
void record_key(enum resource_type type, const char *instance_id, char out[RECORD_KEY_MAX]);

/* Append the value. Check the buffer for failure. */
void record_write(const struct record *record, struct buf *out);

/*
 * Read a value.
 *
 * ret_tree    owned by the caller (cJSON_Delete); it owns the strings of ret_record.
 * Errors: RC_INVALID_ARGUMENT not in the form of record_write().
 */
enum rc record_read(const char *text, size_t len, cJSON **ret_tree, struct record *ret_record, struct error *err)
	must_check;

#endif
