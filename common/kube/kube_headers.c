#include "common/kube/kube_headers.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "common/adapters/crypto.h"
#include "common/services/secret.h"
#include "common/version.h"

#define USER_AGENT_MAX 128
#define NAME_MAX_BYTES 1024 /* of a header's name */

void kube_headers_clear(struct kubeconfig_list *headers)
{
	for (size_t i = 0; i < headers->count; i++)
		secret_free(headers->items[i]);
	free(headers->items);
	*headers = (struct kubeconfig_list){ 0 };
}

static enum rc add(struct kubeconfig_list *headers, const char *place, const char *name, const char *value,
		   struct error *err)
{
	if (!value)
		return RC_OK;
	if (headers->count == KUBE_HEADERS_MAX - 1)
		return error_set(err, RC_INVALID_ARGUMENT,
				 "%s: as-groups and as-user-extra result in more than %d headers", place,
				 KUBE_HEADERS_MAX - 1);
	if (asprintf(&headers->items[headers->count], "%s: %s", name, value) < 0)
		return error_no_memory(err);
	headers->count++;
	return RC_OK;
}

static enum rc add_basic(const struct kubeconfig *config, struct kubeconfig_list *headers, struct error *err)
{
	cleanup_secret char *plain = NULL;
	struct buf value cleanup_buf = buf_make(SECRET_FILE_MAX * 2);
	enum rc rc;

	if (!config->username && !config->password)
		return RC_OK;
	if (asprintf(&plain, "%s:%s", config->username ? config->username : "",
		     config->password ? config->password : "") < 0)
		return error_no_memory(err);
	buf_add_str(&value, "Basic ");
	crypto_base64_encode(CRYPTO_BASE64_STANDARD, plain, strlen(plain), &value);
	rc = buf_check(&value, err);
	if (!rc)
		rc = add(headers, config->user_place, "Authorization", value.data, err);
	explicit_bzero(value.data, value.len);
	return rc;
}

/* RFC 9110 section 5.6.2, without '%', which escapes the others. */
static bool is_header_letter(char c)
{
	return strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!#$&'*+-.^_`|~", c) && c;
}

static enum rc add_extra(const struct kubeconfig *config, const struct kubeconfig_pair *pair,
			 struct kubeconfig_list *headers, struct error *err)
{
	struct buf name cleanup_buf = buf_make(NAME_MAX_BYTES);

	buf_add_str(&name, "Impersonate-Extra-");
	for (const char *c = pair->name; *c; c++) {
		if (is_header_letter(*c))
			buf_add_char(&name, *c);
		else
			buf_addf(&name, "%%%02X", (unsigned)(unsigned char)*c);
	}
	if (name.failed)
		return error_set(err, RC_INVALID_ARGUMENT, "%s: as-user-extra has a key that is too long",
				 config->user_place);
	return add(headers, config->user_place, name.data, pair->value, err);
}

enum rc kube_headers_compose(const struct kubeconfig *config, struct kubeconfig_list *headers, struct error *err)
{
	const char *place = config->user_place;
	enum rc rc;

	headers->items = calloc(KUBE_HEADERS_MAX, sizeof(*headers->items));
	if (!headers->items)
		return error_no_memory(err);
	rc = add_basic(config, headers, err);
	if (!rc)
		rc = add(headers, place, "Impersonate-User", config->as, err);
	if (!rc)
		rc = add(headers, place, "Impersonate-Uid", config->as_uid, err);
	for (size_t i = 0; !rc && i < config->as_groups.count; i++)
		rc = add(headers, place, "Impersonate-Group", config->as_groups.items[i], err);
	for (size_t i = 0; !rc && i < config->as_extra.count; i++)
		rc = add_extra(config, &config->as_extra.items[i], headers, err);
	return rc;
}

static char user_agent[USER_AGENT_MAX];

static void write_user_agent(void)
{
	snprintf(user_agent, sizeof(user_agent), "User-Agent: dcm-k8s-container-sp/%s", version_text());
}

const char *kube_user_agent(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, write_user_agent);
	return user_agent;
}
