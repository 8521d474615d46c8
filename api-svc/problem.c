#include "api-svc/problem.h"

#include "common/base/random.h"
#include "common/services/json_write.h"

#define DOCUMENT_MAX (256u * 1024) /* bytes */
#define END_MAX 1024               /* bytes after the last error */
#define RETRY_AFTER_MAX_S 3 /* default: random, 1 to this many seconds, so that clients do not all retry at once */

static const struct kind {
	unsigned status;
	const char *type;
	const char *title; /* the same for every error of a type and status */
	bool is_ours;      /* the message is for the log, not for the client */
} kinds[RC_COUNT] = {
	/* clang-format off */
	[RC_OK]                = { 500, "INTERNAL", "Internal error", true },
	[RC_INVALID_ARGUMENT]  = { 400, "INVALID_ARGUMENT", "Invalid argument", false },
	[RC_UNAUTHENTICATED]   = { 401, "UNAUTHENTICATED", "Unauthenticated", false },
	[RC_PERMISSION_DENIED] = { 403, "PERMISSION_DENIED", "Permission denied", false },
	[RC_NOT_FOUND]         = { 404, "NOT_FOUND", "Not found", false },
	[RC_ALREADY_EXISTS]    = { 409, "ALREADY_EXISTS", "Already exists", false },
	[RC_CONFLICT]          = { 409, "ALREADY_EXISTS", "Already exists", false },
	[RC_PRECONDITION]      = { 412, "PRECONDITION_FAILED", "Precondition failed", false },
	[RC_KEY_REUSED]        = { 422, "INVALID_ARGUMENT", "Invalid argument", false },
	[RC_TOO_LARGE]         = { 413, "INVALID_ARGUMENT", "Invalid argument", false },
	[RC_UNSUPPORTED_ENCODING] = { 415, "INVALID_ARGUMENT", "Invalid argument", false },
	[RC_EXPIRED]           = { 400, "INVALID_ARGUMENT", "Invalid argument", false },
	[RC_UNSUPPORTED]       = { 503, "UNAVAILABLE", "Unavailable", false },
	[RC_UNIMPLEMENTED]     = { 501, "UNIMPLEMENTED", "Not implemented", false },
	[RC_NOT_STARTED]       = { 409, "CONFLICT", "Conflict", false },
	[RC_BUSY]              = { 503, "UNAVAILABLE", "Unavailable", false },
	[RC_PENDING]           = { 503, "UNAVAILABLE", "Unavailable", false },
	[RC_CANCELLED]         = { 503, "UNAVAILABLE", "Unavailable", false },
	[RC_UNAVAILABLE]       = { 503, "UNAVAILABLE", "Unavailable", false },
	[RC_TIMEOUT]           = { 504, "UNAVAILABLE", "Unavailable", false },
	[RC_NO_MEMORY]         = { 500, "INTERNAL", "Internal error", true },
	[RC_INTERNAL]          = { 500, "INTERNAL", "Internal error", true },
	/* clang-format on */
};

unsigned problem_status(enum rc rc)
{
	return kinds[rc].status;
}

static void write_detail(const struct problem *p, struct json_writer *w)
{
	char text[ERROR_TEXT_MAX];

	if (!kinds[p->error->rc].is_ours) {
		json_string(w, "detail", p->error->text);
		return;
	}
	snprintf(text, sizeof(text), "an internal error occurred; see the log for request id '%s'",
		 p->request_id ? p->request_id : "");
	json_string(w, "detail", text);
}

/* A worker's errors, with the same limits as ours. */
static void read_worker_faults(const cJSON *array, struct faults *faults)
{
	const cJSON *item = NULL;

	cJSON_ArrayForEach (item, array) {
		const char *detail = json_string_at(item, "detail");
		const char *pointer = json_string_at(item, "pointer");

		faults_add(faults, pointer ? pointer : "", "%s", detail ? detail : "");
	}
}

static void write_document(const struct problem *p, unsigned status, struct json_writer *w)
{
	const struct kind *kind = &kinds[p->error->rc];
	struct faults theirs cleanup_faults = { .count = 0 };
	const struct faults *faults = p->faults ? p->faults : &theirs;

	read_worker_faults(p->worker_faults, &theirs);
	json_begin_object(w, NULL);
	json_string(w, "type", kind->type);
	json_string(w, "title", kind->title);
	json_int(w, "status", status);
	write_detail(p, w);
	json_string(w, "instance", p->instance ? p->instance : "");
	if (faults->count > 0)
		faults_write(faults, w, "errors", DOCUMENT_MAX - END_MAX);
	json_end_object(w);
}

struct http_answer problem_answer(const struct problem *problem)
{
	unsigned status = problem->status ? problem->status : kinds[problem->error->rc].status;
	struct http_answer answer = { .status = status, .content_type = PROBLEM_MEDIA_TYPE };
	struct buf document = buf_make(DOCUMENT_MAX);
	struct json_writer w = json_writer_make(&document);

	write_document(problem, status, &w);
	answer.body = buf_take(&document, &answer.body_len);
	buf_clear(&document);
	if (status == 401)
		answer.authenticate = "Bearer realm=\"containers\""; /* RFC 9110 section 11.6.1 */
	if (problem->error->rc == RC_UNSUPPORTED_ENCODING)
		answer.accepted = "identity"; /* RFC 9110 section 12.5.3 */
	if (status == 503)
		answer.retry_after_s = problem->error->retry_after_s > 0 ? problem->error->retry_after_s
									 : 1 + (int)random_below(RETRY_AFTER_MAX_S);
	return answer;
}
