#include "kube-worker/request_digest.h"

#include <stdlib.h>
#include <string.h>

#include "common/adapters/crypto.h"
#include "common/services/json_write.h"

#define TEXT_MAX (8u * 1024 * 1024) /* bytes; a request's body is smaller */

static int by_name(const void *a, const void *b)
{
	const cJSON *x = *(const cJSON *const *)a;
	const cJSON *y = *(const cJSON *const *)b;

	return strcmp(x->string, y->string);
}

static enum rc write_value(struct json_writer *w, const char *key, const cJSON *value, struct error *err);

static enum rc write_object(struct json_writer *w, const char *key, const cJSON *object, struct error *err)
{
	size_t count = (size_t)cJSON_GetArraySize(object);
	const cJSON **members = calloc(count ? count : 1, sizeof(const cJSON *));
	const cJSON *member = NULL;
	enum rc rc = RC_OK;
	size_t i = 0;

	if (!members)
		return error_no_memory(err);
	cJSON_ArrayForEach (member, object)
		members[i++] = member;
	qsort(members, count, sizeof(const cJSON *), by_name);
	json_begin_object(w, key);
	for (i = 0; !rc && i < count; i++)
		rc = write_value(w, members[i]->string, members[i], err);
	json_end_object(w);
	free(members);
	return rc;
}

static enum rc write_value(struct json_writer *w, const char *key, const cJSON *value, struct error *err)
{
	const cJSON *item = NULL;
	enum rc rc = RC_OK;

	if (cJSON_IsObject(value))
		return write_object(w, key, value, err);
	if (!cJSON_IsArray(value)) {
		json_tree(w, key, value);
		return RC_OK;
	}
	json_begin_array(w, key);
	cJSON_ArrayForEach (item, value)
		if (!rc)
			rc = write_value(w, NULL, item, err);
	json_end_array(w);
	return rc;
}

enum rc request_digest(const cJSON *tree, char out[REQUEST_DIGEST_MAX], struct error *err)
{
	struct buf text cleanup_buf = buf_make(TEXT_MAX);
	struct json_writer w = json_writer_make(&text);
	unsigned char digest[CRYPTO_SHA256_SIZE];
	enum rc rc = write_value(&w, NULL, tree, err);

	if (!rc)
		rc = buf_check(&text, err);
	if (!rc && !crypto_sha256(text.data, text.len, digest))
		rc = error_set(err, RC_INTERNAL, "libcrypto gives no digest");
	for (size_t i = 0; !rc && i < sizeof(digest); i++)
		snprintf(out + 2 * i, 3, "%02x", digest[i]);
	return rc;
}
