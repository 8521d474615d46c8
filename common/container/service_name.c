#include "common/container/service_name.h"

#include <stdio.h>
#include <string.h>

#include "common/adapters/crypto.h"
#include "common/base/buf.h"
#include "common/base/strutil.h"

#define PREFIX "s-"
#define PREFIXED_ID_MAX 60 /* bytes of an id that gets the prefix: the name stays below 63 */
#define DIGEST_BYTES 30

/* Does it begin with a digit, or look like a name that we derive? */
static bool needs_other_name(const char *id)
{
	while (str_has_prefix(id, PREFIX))
		id += strlen(PREFIX);
	return id[0] >= '0' && id[0] <= '9';
}

enum rc service_name_derive(const char *id, char out[SERVICE_NAME_MAX], struct error *err)
{
	unsigned char digest[CRYPTO_SHA256_SIZE];
	struct buf hex cleanup_buf = buf_make(SERVICE_NAME_MAX);

	if (!needs_other_name(id)) {
		snprintf(out, SERVICE_NAME_MAX, "%s", id);
		return RC_OK;
	}
	if (strlen(id) <= PREFIXED_ID_MAX) {
		snprintf(out, SERVICE_NAME_MAX, PREFIX "%s", id);
		return RC_OK;
	}
	if (!crypto_sha256(id, strlen(id), digest))
		return error_set(err, RC_INTERNAL, "no digest can be made for the name of a Service");
	buf_add_hex(&hex, digest, DIGEST_BYTES);
	snprintf(out, SERVICE_NAME_MAX, PREFIX "0%s", hex.data);
	return RC_OK;
}
