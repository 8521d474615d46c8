#include "common/container/bucket_name.h"

#include <stdio.h>
#include <string.h>

#include "common/adapters/crypto.h"
#include "common/base/buf.h"
#include "common/protocol.h"

#define PREFIX PROTOCOL_ROOT "-"
#define TOKEN_MAX 200 /* bytes of a token that fits into a bucket name */

void bucket_name_write(const char *provider_name, char out[BUS_BUCKET_MAX])
{
	struct buf encoded cleanup_buf = buf_make(BUS_BUCKET_MAX);
	char token[PROTOCOL_SUBJECT_MAX];

	protocol_write_token(provider_name, token, sizeof(token));
	if (strlen(token) > TOKEN_MAX) {
		crypto_base64_encode(CRYPTO_BASE64_URL, provider_name, strlen(provider_name), &encoded);
		snprintf(token, sizeof(token), "__%s", encoded.data);
	}
	snprintf(out, BUS_BUCKET_MAX, PREFIX "%.230s", token);
}
