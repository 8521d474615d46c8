/* Headers of clients: request id, traceparent, conditions, Origin and Host, each in one line of the input. */
#include <string.h>

#include "api-svc/api_ids.h"
#include "api-svc/conditions.h"
#include "api-svc/origin.h"
#include "common/base/strutil.h"
#include "tests/fuzz/fuzz.h"

#define TEXT_MAX (1u << 20)
#define ETAG "d213b867c2793d3fb9541e2d9a242855"
#define LISTED "https://console.example"

/* What is logged, sent to workers, and shown as a trace id in the exemplars of /metrics. */
static void check_ids(const char *id, const char *trace)
{
	if (api_ids_is_request_id(id))
		FUZZ_CHECK(strlen(id) <= PROTOCOL_REQUEST_ID_MAX && !strpbrk(id, " \t\r\n\033\177"));
	if (api_ids_is_traceparent(trace))
		FUZZ_CHECK(strlen(trace) == 55 && strspn(trace, "0123456789abcdef-") == 55 && trace[2] == '-' &&
			   trace[35] == '-' && trace[52] == '-');
}

static void check_conditions(const char *value)
{
	struct buf text cleanup_buf = buf_make(TEXT_MAX);
	struct json_writer w = json_writer_make(&text);
	cleanup_json cJSON *tree = NULL;

	json_begin_object(&w, NULL);
	conditions_write_if_match(value, &w);
	json_end_object(&w);
	FUZZ_CHECK(json_parse_strict(text.data, text.len, &tree, NULL) == RC_OK);
	FUZZ_CHECK(json_get(tree, "if_match"));
	if (conditions_name(value, ETAG))
		FUZZ_CHECK(strcmp(value, "*") == 0 || strstr(value, "\"" ETAG "\""));
}

/* Without a token and TLS, a page of a foreign name is never trusted. */
static void check_origin(const char *origin, const char *host)
{
	const struct origin_request request = { .origin = origin, .host = host, .listed = LISTED };

	if (origin_check(&request, NULL))
		return;
	FUZZ_CHECK(strcasecmp(origin, LISTED) == 0 || host[0] == '[' || strncasecmp(host, "localhost", 9) == 0 ||
		   strchr("0123456789.", host[0]));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	cleanup_free char *text = strndup((const char *)data, size);
	char *rest = text;
	char *lines[5] = { NULL };

	for (size_t i = 0; i < ARRAY_LEN(lines); i++)
		lines[i] = rest ? strsep(&rest, "\n") : NULL;
	if (!lines[4])
		return 0;
	check_ids(lines[0], lines[1]);
	check_conditions(lines[2]);
	check_origin(lines[3], lines[4]);
	return 0;
}
