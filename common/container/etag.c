#include "common/container/etag.h"

#include <string.h>

#include "common/adapters/crypto.h"
#include "common/base/strutil.h"
#include "common/services/json_write.h"

#define ETAG_BYTES ((CONTAINER_ETAG_MAX - 1) / 2)
#define TEXT_MAX (16u * 1024 * 1024) /* bytes; above any Kubernetes object */

_Static_assert(ETAG_BYTES <= CRYPTO_SHA256_SIZE, "a part of the digest");

struct etag etag_begin(const struct buf *text)
{
	return (struct etag){ .text = text, .start = text->len };
}

void etag_cut(struct etag *etag, size_t from)
{
	etag->cuts[etag->cut_count].from = from;
	etag->cuts[etag->cut_count++].to = etag->text->len;
}

enum rc etag_end(const struct etag *etag, const cJSON *unordered, char out[CONTAINER_ETAG_MAX], struct error *err)
{
	struct buf counted cleanup_buf = buf_make(TEXT_MAX);
	struct json_writer w = json_writer_make(&counted);
	size_t from = etag->start;
	enum rc rc = buf_check(etag->text, err); /* after a failure the buffer is empty, and offsets are invalid */

	for (size_t i = 0; !rc && i < etag->cut_count; i++) {
		buf_add(&counted, etag->text->data + from, etag->cuts[i].from - from);
		from = etag->cuts[i].to;
	}
	if (!rc)
		buf_add(&counted, etag->text->data + from, etag->text->len - from);
	if (!rc && unordered)
		rc = json_canonical(&w, NULL, unordered, err);
	if (!rc)
		rc = buf_check(&counted, err);
	if (!rc && !crypto_sha256_hex(counted.data, counted.len, ETAG_BYTES, out))
		rc = error_set(err, RC_INTERNAL, "libcrypto cannot compute a digest");
	return rc;
}
