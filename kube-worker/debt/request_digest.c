#include "kube-worker/debt/request_digest.h"

#include "common/adapters/crypto.h"
#include "common/services/json_canonical.h"

#define TEXT_MAX (8u * 1024 * 1024) /* bytes; above any request body */

enum rc request_digest(const cJSON *tree, char out[REQUEST_DIGEST_MAX], struct error *err)
{
	struct buf text cleanup_buf = buf_make(TEXT_MAX);
	struct json_writer w = json_writer_make(&text);
	enum rc rc = json_canonical_write(&w, NULL, tree, err);

	if (!rc)
		rc = buf_check(&text, err);
	if (!rc && !crypto_sha256_hex(text.data, text.len, CRYPTO_SHA256_SIZE, out))
		rc = error_set(err, RC_INTERNAL, "libcrypto cannot compute a digest");
	return rc;
}
