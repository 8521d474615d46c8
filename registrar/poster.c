#include "registrar/poster.h"

#include <stdlib.h>
#include <string.h>

#include "common/adapters/pem.h"
#include "common/base/strutil.h"
#include "common/http/http_client.h"
#include "common/services/log.h"
#include "common/services/secret.h"
#include "registrar/payload.h"

#define ANSWER_MAX (1024u * 1024) /* bytes of a response body; its beginning is logged */

struct poster {
	const char *ca_path;
	char *ca_pem;              /* the last valid content; NULL: none yet */
	char said[ERROR_TEXT_MAX]; /* the last logged read error; "": none */
	struct buf url;
	struct buf body;
	struct http_client *client;
};

enum rc poster_create(const struct registrar_config *config, enum resource_type type, struct poster **ret_poster,
		      struct error *err)
{
	struct poster *poster = calloc(1, sizeof(*poster));
	enum rc rc;

	if (!poster)
		return error_no_memory(err);
	poster->ca_path = config->ca_path;
	poster->url = buf_make(PAYLOAD_MAX);
	poster->body = buf_make(PAYLOAD_MAX);
	payload_write_url(config, &poster->url);
	payload_write(config, type, &poster->body);
	rc = buf_check(&poster->url, err);
	if (!rc)
		rc = buf_check(&poster->body, err);
	if (!rc)
		rc = http_client_create(&poster->client, err);
	if (rc) {
		poster_destroy(poster);
		return error_wrap(err, rc, "prepare the registration");
	}
	*ret_poster = poster;
	return RC_OK;
}

void poster_destroy(struct poster *poster)
{
	if (!poster)
		return;
	http_client_destroy(poster->client);
	buf_clear(&poster->url);
	buf_clear(&poster->body);
	secret_free(poster->ca_pem);
	free(poster);
}

static enum rc read_authorities(const char *path, char **ret_pem, struct error *err)
{
	cleanup_secret char *text = NULL;
	enum rc rc = secret_file_read(path, SECRET_FILE_MAX, &text, NULL, NULL, err);

	if (rc)
		return error_wrap(err, rc, "SP_REGISTRATION_CA");
	rc = pem_check_certificates(text, err);
	if (rc)
		return error_wrap(err, rc, "SP_REGISTRATION_CA: %s", path);
	*ret_pem = TAKE(text);
	return RC_OK;
}

void poster_check(const struct registrar_config *config, struct buf *faults)
{
	cleanup_secret char *text = NULL;
	struct error err;

	if (config->ca_path[0] && read_authorities(config->ca_path, &text, &err))
		buf_addf(faults, "%s\n", err.text);
}

/* Errors are logged once, and the current certificates stay in use. */
static enum rc renew_authorities(struct poster *poster, struct error *err)
{
	char *text = NULL;
	enum rc rc = read_authorities(poster->ca_path, &text, err);

	if (!rc) {
		secret_free(poster->ca_pem);
		poster->ca_pem = text;
		poster->said[0] = '\0';
		return RC_OK;
	}
	if (!poster->ca_pem)
		return error_wrap(err, RC_UNAVAILABLE, "the registry's CA certificates");
	if (strcmp(poster->said, err->text) != 0)
		log_warn("cannot read the registry's CA certificates again; keeping the current ones", log_err(err));
	snprintf(poster->said, sizeof(poster->said), "%s", err->text);
	return RC_OK;
}

static enum rc send_request(struct poster *poster, int64_t timeout_ms, bool (*cancelled)(void *ctx), void *ctx,
			    struct http_response *response, struct error *err)
{
	static const char *const headers[] = { "Content-Type: application/json", "Accept: application/json" };
	struct http_identity identity = { .ca_pem = poster->ca_pem };
	struct http_request request = {
		.method = "POST",
		.url = poster->url.data,
		.identity = &identity,
		.headers = headers,
		.header_count = ARRAY_LEN(headers),
		.body = poster->body.data,
		.body_len = poster->body.len,
		.timeout_ms = timeout_ms,
		.response_max = ANSWER_MAX,
		.cancelled = cancelled,
		.ctx = ctx,
	};

	return http_client_do(poster->client, &request, response, err);
}

void poster_post(struct poster *poster, int64_t timeout_ms, bool (*cancelled)(void *ctx), void *ctx,
		 struct registration_answer *ret_answer)
{
	struct registration_answer answer = { 0 };
	struct http_response response = { 0 };
	struct error err = { 0 };

	if (poster->ca_path[0])
		answer.rc = renew_authorities(poster, &err);
	if (!answer.rc)
		answer.rc = send_request(poster, timeout_ms, cancelled, ctx, &response, &err);
	answer.status = response.status;
	answer.retry_after_s = response.retry_after_s;
	snprintf(answer.text, sizeof(answer.text), "%s",
		 answer.rc || !response.body.data ? err.text : response.body.data);
	str_trim_broken_utf8(answer.text);
	buf_clear(&response.body);
	*ret_answer = answer;
}
