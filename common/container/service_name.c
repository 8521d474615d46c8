#include "common/container/service_name.h"

#include <stdio.h>
#include <string.h>

#include "common/adapters/crypto.h"
#include "common/base/buf.h"
#include "common/base/strutil.h"

#define PREFIX "s-"
#define PREFIXED_ID_MAX 60 /* bytes of an id with the prefix: the name stays below 63 */
#define DIGEST_BYTES 30
#define ORDINARY PREFIX "0" /* prefixes of names with a digest */
#define HEADLESS PREFIX "1"

/* Whether it begins with a digit, or has the form of a derived name. */
static bool needs_other_name(const char *id)
{
	while (str_has_prefix(id, PREFIX))
		id += strlen(PREFIX);
	return id[0] >= '0' && id[0] <= '9';
}

static enum rc write_digest(const char *id, const char *prefix, char out[SERVICE_NAME_MAX], struct error *err)
{
	char hex[2 * DIGEST_BYTES + 1];

	if (!crypto_sha256_hex(id, strlen(id), DIGEST_BYTES, hex))
		return error_set(err, RC_INTERNAL, "cannot compute a digest for the name of a Service");
	snprintf(out, SERVICE_NAME_MAX, "%s%s", prefix, hex);
	return RC_OK;
}

enum rc service_name_derive(const char *id, char out[SERVICE_NAME_MAX], struct error *err)
{
	if (!needs_other_name(id)) {
		snprintf(out, SERVICE_NAME_MAX, "%s", id);
		return RC_OK;
	}
	if (strlen(id) <= PREFIXED_ID_MAX) {
		snprintf(out, SERVICE_NAME_MAX, PREFIX "%s", id);
		return RC_OK;
	}
	return write_digest(id, ORDINARY, out, err);
}

enum rc service_name_derive_headless(const char *id, char out[SERVICE_NAME_MAX], struct error *err)
{
	return write_digest(id, HEADLESS, out, err);
}

bool service_name_is_headless(const char *name)
{
	return str_has_prefix(name, HEADLESS) && strlen(name) == SERVICE_NAME_MAX - 1 &&
	       strspn(name + strlen(HEADLESS), "0123456789abcdef") == 2 * DIGEST_BYTES;
}
