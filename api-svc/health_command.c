#include "api-svc/health_command.h"

#include <string.h>

#include "common/base/strutil.h"
#include "common/http/http_client.h"
#include "common/services/config.h"

#define TIMEOUT_MS 2000 /* below the healthcheck timeout of 3 s in compose.yaml */
#define ANSWER_MAX 4096
#define URL_MAX 512

/* A server on all addresses is reached on the loopback address. */
static void write_url(const char *address, bool https, struct buf *url)
{
	const char *port = strrchr(address, ':');
	size_t host = (size_t)(port - address);
	bool all = host == 0 || str_has_prefix(address, "0.0.0.0:") || str_has_prefix(address, "[::]:");

	buf_addf(url, "%s://%.*s%s/readyz", https ? "https" : "http", all ? (int)strlen("localhost") : (int)host,
		 all ? "localhost" : address, port);
}

static enum rc ask(const char *address, bool https, struct http_response *answer, struct error *err)
{
	struct buf url cleanup_buf = buf_make(URL_MAX);
	struct http_identity direct = { .proxy = "", .insecure = https };
	struct http_request request = {
		.method = "GET",
		.identity = &direct,
		.timeout_ms = TIMEOUT_MS,
		.response_max = ANSWER_MAX,
	};
	struct http_client *client;
	enum rc rc;

	write_url(address, https, &url);
	rc = buf_check(&url, err);
	if (!rc)
		rc = http_client_create(&client, err);
	if (rc)
		return rc;
	request.url = url.data;
	rc = http_client_do(client, &request, answer, err);
	http_client_destroy(client);
	return rc;
}

int health_command_run(const char *address, bool https)
{
	struct http_response answer = { 0 };
	struct error err;
	enum rc rc = ask(address, https, &answer, &err);

	if (!rc && answer.status != 200)
		rc = error_set(&err, RC_UNAVAILABLE, "%.*s", (int)answer.body.len, answer.body.data);
	buf_clear(&answer.body);
	return config_tell_health(rc, &err);
}
