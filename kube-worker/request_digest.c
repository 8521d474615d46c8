#include "kube-worker/request_digest.h"

#include <string.h>

#include "common/adapters/crypto.h"
#include "common/base/strutil.h"
#include "common/services/json_canonical.h"

#define TEXT_MAX (8u * 1024 * 1024) /* bytes; a request's body is smaller */

enum rc request_digest(const cJSON *tree, char out[REQUEST_DIGEST_MAX], struct error *err)
{
	struct buf text cleanup_buf = buf_make(TEXT_MAX);
	struct json_writer w = json_writer_make(&text);
	unsigned char digest[CRYPTO_SHA256_SIZE];
	enum rc rc = json_canonical_write(&w, NULL, tree, err);

	if (!rc)
		rc = buf_check(&text, err);
	if (!rc && !crypto_sha256(text.data, text.len, digest))
		rc = error_set(err, RC_INTERNAL, "libcrypto gives no digest");
	if (rc)
		return rc;
	buf_reset(&text);
	buf_add_hex(&text, digest, sizeof(digest));
	rc = buf_check(&text, err);
	if (!rc)
		memcpy(out, text.data, REQUEST_DIGEST_MAX);
	return rc;
}
