#include "kube-worker/list/page_token.h"

#include <stdlib.h>
#include <string.h>

#include "common/adapters/crypto.h"
#include "common/base/strutil.h"
#include "common/services/json_write.h"

#define TOKEN_BYTES_MAX 16384
#define TAG_BYTES 8 /* detects foreign tokens; not a secret */

void page_position_clear(struct page_position *position)
{
	free(position->kube_token);
	free(position->after);
	cJSON_Delete(position->keys);
	cJSON_Delete(position->kinds);
	*position = (struct page_position){ 0 };
}

static bool make_tag(const char *scope, const char *payload, size_t len, unsigned char tag[TAG_BYTES])
{
	struct buf text cleanup_buf = buf_make(TOKEN_BYTES_MAX * 2);
	unsigned char digest[CRYPTO_SHA256_SIZE];

	buf_add(&text, scope, strlen(scope) + 1); /* with its NUL as separator */
	buf_add(&text, payload, len);
	if (text.failed || !crypto_sha256(text.data, text.len, digest))
		return false;
	memcpy(tag, digest, TAG_BYTES);
	return true;
}

/* Token = base64url(tag, JSON {"c": kube_token, "a": after, "k": keys?, "m": kinds?}). */
enum rc page_token_encode(const struct page_position *position, const char *scope, struct buf *out, struct error *err)
{
	struct buf payload cleanup_buf = buf_make(TOKEN_BYTES_MAX);
	struct buf whole cleanup_buf = buf_make(TOKEN_BYTES_MAX + TAG_BYTES);
	struct json_writer w = json_writer_make(&payload);
	unsigned char tag[TAG_BYTES];
	enum rc rc;

	json_begin_object(&w, NULL);
	json_string(&w, "c", position->kube_token);
	json_string(&w, "a", position->after);
	json_tree(&w, "k", position->keys);
	json_tree(&w, "m", position->kinds);
	json_end_object(&w);
	rc = buf_check(&payload, err);
	if (rc)
		return rc;
	if (!make_tag(scope, payload.data, payload.len, tag))
		return error_set(err, RC_INTERNAL, "cannot compute a digest for a page token");
	buf_add(&whole, tag, TAG_BYTES);
	buf_add(&whole, payload.data, payload.len);
	rc = buf_check(&whole, err);
	if (!rc)
		crypto_base64_encode(CRYPTO_BASE64_URL, whole.data, whole.len, out);
	return rc ? rc : buf_check(out, err);
}

enum rc page_token_refuse(struct error *err)
{
	return error_set(err, RC_INVALID_ARGUMENT, "invalid page_token for this list");
}

enum rc page_token_decode(const char *token, const char *scope, struct page_position *ret_position, struct error *err)
{
	struct buf whole cleanup_buf = buf_make(TOKEN_BYTES_MAX + TAG_BYTES);
	struct page_position position cleanup_page_position = { 0 };
	cleanup_json cJSON *payload = NULL;
	unsigned char tag[TAG_BYTES];

	if (token[0] != '\0') {
		if (!crypto_base64_decode(CRYPTO_BASE64_URL, token, strlen(token), &whole) || whole.len <= TAG_BYTES ||
		    !make_tag(scope, whole.data + TAG_BYTES, whole.len - TAG_BYTES, tag) ||
		    memcmp(tag, whole.data, TAG_BYTES) != 0 ||
		    json_parse(whole.data + TAG_BYTES, whole.len - TAG_BYTES, &payload, NULL) ||
		    !json_string_at(payload, "c") || !json_string_at(payload, "a"))
			return page_token_refuse(err);
	}
	position.kube_token = str_dup(payload ? json_string_at(payload, "c") : "");
	position.after = str_dup(payload ? json_string_at(payload, "a") : "");
	position.keys = cJSON_DetachItemFromObjectCaseSensitive(payload, "k");
	position.kinds = cJSON_DetachItemFromObjectCaseSensitive(payload, "m");
	if (!position.kube_token || !position.after)
		return error_no_memory(err);
	*ret_position = position;
	position = (struct page_position){ 0 };
	return RC_OK;
}
