#include "registrar/poster.h"

#include <stdlib.h>
#include <string.h>

#include "common/adapters/http_client.h"
#include "common/base/strutil.h"
#include "common/services/secret.h"
#include "registrar/payload.h"

#define ANSWER_MAX (1024u * 1024) /* bytes of an answer's body that we read; its beginning is logged */

struct poster {
	const char *ca_path;
	struct buf url;
	struct buf body;
	struct http_client *client;
};

enum rc poster_create(const struct registrar_config *config, struct poster **ret_poster, struct error *err)
{
	struct poster *poster = calloc(1, sizeof(*poster));
	enum rc rc;

	if (!poster)
		return error_no_memory(err);
	poster->ca_path = config->ca_path;
	poster->url = buf_make(PAYLOAD_MAX);
	poster->body = buf_make(PAYLOAD_MAX);
	payload_write_url(config, &poster->url);
	payload_write(config, &poster->body);
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
	free(poster);
}

static enum rc read_authorities(const struct poster *poster, char **ret_pem, struct error *err)
{
	enum rc rc;

	if (!poster->ca_path[0])
		return RC_OK;
	rc = secret_file_read(poster->ca_path, SECRET_FILE_MAX, ret_pem, NULL, NULL, err);
	/* The file is being replaced, perhaps: it was there when we started. */
	return rc ? error_wrap(err, RC_UNAVAILABLE, "SP_REGISTRATION_CA") : RC_OK;
}

static enum rc send_request(struct poster *poster, const char *ca_pem, int64_t timeout_ms, bool (*cancelled)(void *ctx),
			    void *ctx, struct http_response *response, struct error *err)
{
	static const char *const headers[] = { "Content-Type: application/json", "Accept: application/json" };
	struct http_identity identity = { .ca_pem = ca_pem };
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
	cleanup_secret char *ca_pem = NULL;
	struct error err = { 0 };

	answer.rc = read_authorities(poster, &ca_pem, &err);
	if (!answer.rc)
		answer.rc = send_request(poster, ca_pem, timeout_ms, cancelled, ctx, &response, &err);
	answer.status = response.status;
	answer.retry_after_s = response.retry_after_s;
	snprintf(answer.text, sizeof(answer.text), "%s",
		 answer.rc || !response.body.data ? err.text : response.body.data);
	str_trim_broken_utf8(answer.text);
	buf_clear(&response.body);
	*ret_answer = answer;
}
