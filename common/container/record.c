#include "common/container/record.h"

#include <string.h>

#include "common/base/strutil.h"
#include "common/container/labels.h"
#include "common/container/workload.h"
#include "common/protocol.h"
#include "common/services/json_write.h"

#define NAME_MAX_BYTES 253 /* RFC 1123 subdomain */

void record_key(enum resource_type type, const char *instance_id, char out[RECORD_KEY_MAX])
{
	char token[RECORD_KEY_MAX - 16] = "*";

	if (instance_id)
		protocol_write_token(instance_id, token, sizeof(token));
	snprintf(out, RECORD_KEY_MAX, "%s%s", resource_row(type)->record_prefix, token);
}

void record_write(const struct record *record, struct buf *out)
{
	struct json_writer w = json_writer_make(out);

	json_begin_object(&w, NULL);
	json_string(&w, "id", record->id);
	if (record->kind != KUBE_DEPLOYMENT)
		json_string(&w, "kind", kube_kind_name(record->kind));
	json_string(&w, "name", record->name);
	json_string(&w, "status", container_status_name(record->status));
	if (record->version)
		json_int(&w, "version", record->version);
	json_end_object(&w);
}

static bool read_status(const char *name, enum container_status *ret_status)
{
	static const enum container_status all[] = { CONTAINER_PENDING, CONTAINER_RUNNING, CONTAINER_FAILED,
						     CONTAINER_UNKNOWN, CONTAINER_STOPPED };

	for (size_t i = 0; name && i < ARRAY_LEN(all); i++) {
		if (strcmp(container_status_name(all[i]), name) == 0) {
			*ret_status = all[i];
			return true;
		}
	}
	return false;
}

static bool read_kind(const char *name, enum kube_kind *ret_kind)
{
	*ret_kind = KUBE_DEPLOYMENT;
	if (!name)
		return true;
	for (int kind = workload_root_from(0); kind < KUBE_KIND_COUNT; kind = workload_root_from(kind + 1)) {
		if (strcmp(kube_kind_name((enum kube_kind)kind), name) != 0)
			continue;
		*ret_kind = (enum kube_kind)kind;
		return true;
	}
	return false;
}

/* Of a Kubernetes object. */
static bool is_name(const char *text)
{
	size_t len = strlen(text);

	return len >= 1 && len <= NAME_MAX_BYTES && strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-.") == len;
}

enum rc record_read(const char *text, size_t len, cJSON **ret_tree, struct record *ret_record, struct error *err)
{
	cleanup_json cJSON *tree = NULL;
	struct record record = { 0 };
	enum rc rc = json_parse(text, len, &tree, err);

	if (rc)
		return rc;
	record.id = json_string_at(tree, "id");
	record.name = json_string_at(tree, "name");
	record.version = json_int_at(tree, "version", 0);
	if (!record.id || !record.id[0] || label_value_fault(record.id) || !record.name || !is_name(record.name) ||
	    record.version < 0 || !read_kind(json_string_at(tree, "kind"), &record.kind) ||
	    !read_status(json_string_at(tree, "status"), &record.status))
		return error_set(err, RC_INVALID_ARGUMENT, "a record without id, name or status");
	*ret_record = record;
	*ret_tree = TAKE(tree);
	return RC_OK;
}
