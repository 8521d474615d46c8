#include "common/http/http_multi.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/strutil.h"
#include "common/http/http_multi_private.h"

#define IDLE_CONNECTIONS_MAX 8 /* kept for later requests */

struct http_transfer {
	struct http_job job; /* first member: CURLOPT_PRIVATE points to it */
	struct http_multi *multi;
	struct http_transfer_taker taker;
	CURL *easy;
	struct http_easy_lists lists;
	struct http_response response;
	char authority[HTTP_HOST_MAX];
	char text[CURL_ERROR_SIZE];
};

/* ---- callbacks of curl ------------------------------------------------------------------------------------------- */

static int on_socket(CURL *easy unused, curl_socket_t fd, int what, void *ctx, void *known)
{
	struct http_multi *multi = ctx;
	struct epoll_event event = { .data.fd = fd };

	if (what == CURL_POLL_REMOVE) {
		(void)epoll_ctl(multi->epoll, EPOLL_CTL_DEL, fd, NULL); /* fails if already closed */
		return 0;
	}
	event.events = (what & CURL_POLL_IN ? (uint32_t)EPOLLIN : 0) | (what & CURL_POLL_OUT ? (uint32_t)EPOLLOUT : 0);
	if (epoll_ctl(multi->epoll, known ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, fd, &event) < 0 && errno == EEXIST)
		(void)epoll_ctl(multi->epoll, EPOLL_CTL_MOD, fd, &event);
	curl_multi_assign(multi->curl, fd, multi); /* registered now */
	return 0;
}

static int on_timer(CURLM *curl unused, long ms, void *ctx)
{
	struct http_multi *multi = ctx;

	multi->due_ms = ms < 0 ? INT64_MAX : clock_mono_ms() + ms;
	return 0;
}

/* ---- one transfer ------------------------------------------------------------------------------------------------ */

static size_t on_header(char *line, size_t size, size_t count, void *ctx)
{
	struct http_transfer *t = ctx;
	size_t len = size * count;
	int seconds = http_easy_retry_after_s(line, len);

	if (seconds)
		t->response.retry_after_s = seconds;
	return len;
}

static size_t on_body(char *bytes, size_t size, size_t count, void *ctx)
{
	struct http_transfer *t = ctx;

	buf_add(&t->response.body, bytes, size * count);
	return t->response.body.failed ? 0 : size * count;
}

static void free_transfer(struct http_transfer *t)
{
	curl_multi_remove_handle(t->multi->curl, t->easy);
	curl_easy_cleanup(t->easy);
	http_easy_free_lists(&t->lists);
	buf_clear(&t->response.body);
	free(t);
}

static void tell_done(struct http_job *job, CURLcode code)
{
	struct http_transfer *t = (struct http_transfer *)job;
	struct error err = { .rc = RC_OK };
	const char *host = strrchr(t->authority, '@') ? strrchr(t->authority, '@') + 1 : t->authority;

	t->response.status = http_easy_status(t->easy);
	if (code != CURLE_OK && !t->response.body.failed)
		error_set(&err, http_easy_rc(code), "%s: %s", host, t->text[0] ? t->text : curl_easy_strerror(code));
	curl_multi_remove_handle(t->multi->curl, t->easy); /* exclude it from further lookups */
	t->taker.done(t->taker.ctx, &t->response, &err);
	free_transfer(t);
}

static CURLcode set_callbacks(struct http_transfer *t)
{
	CURLcode c = CURLE_OK;

	HTTP_CHAIN(c, curl_easy_setopt(t->easy, CURLOPT_ERRORBUFFER, t->text));
	HTTP_CHAIN(c, curl_easy_setopt(t->easy, CURLOPT_HEADERFUNCTION, on_header));
	HTTP_CHAIN(c, curl_easy_setopt(t->easy, CURLOPT_HEADERDATA, t));
	HTTP_CHAIN(c, curl_easy_setopt(t->easy, CURLOPT_WRITEFUNCTION, on_body));
	HTTP_CHAIN(c, curl_easy_setopt(t->easy, CURLOPT_WRITEDATA, t));
	return c;
}

CURLcode http_multi_add(struct http_multi *multi, CURL *easy, struct http_job *job)
{
	CURLcode code = curl_easy_setopt(easy, CURLOPT_PRIVATE, job);

	if (code == CURLE_OK && curl_multi_add_handle(multi->curl, easy) != CURLM_OK)
		code = CURLE_OUT_OF_MEMORY;
	return code;
}

enum rc http_multi_start(struct http_multi *multi, const struct http_request *request,
			 const struct http_transfer_taker *taker, struct http_transfer **ret_transfer,
			 struct error *err)
{
	struct http_transfer *t = calloc(1, sizeof(*t));
	CURLcode code;

	if (!t)
		return error_no_memory(err);
	t->job.done = tell_done;
	t->multi = multi;
	t->taker = *taker;
	t->response.body = buf_make(request->response_max);
	t->easy = curl_easy_init();
	if (!t->easy) {
		free(t);
		return error_no_memory(err);
	}
	(void)http_easy_authority(request->url, t->authority); /* for errors only */
	code = http_easy_set(t->easy, request, &t->lists);
	HTTP_CHAIN(code, set_callbacks(t));
	HTTP_CHAIN(code, http_multi_add(multi, t->easy, &t->job));
	if (code != CURLE_OK) {
		free_transfer(t);
		return error_set(err, http_easy_rc(code), "cannot create a request: %s", curl_easy_strerror(code));
	}
	*ret_transfer = t;
	return RC_OK;
}

void http_transfer_cancel(struct http_transfer *t)
{
	free_transfer(t);
}

/* ---- the loop ---------------------------------------------------------------------------------------------------- */

enum rc http_multi_create(struct http_multi **ret_multi, struct error *err)
{
	struct http_multi *multi = calloc(1, sizeof(*multi));

	if (!multi)
		return error_no_memory(err);
	http_easy_init_library();
	multi->due_ms = INT64_MAX;
	multi->link_epoll = -1;
	TAILQ_INIT(&multi->due_links);
	multi->curl = curl_multi_init();
	multi->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (!multi->curl || multi->epoll < 0) {
		http_multi_destroy(multi);
		return error_set(err, RC_INTERNAL, "create an epoll descriptor: %s", error_errno_text(errno));
	}
	curl_multi_setopt(multi->curl, CURLMOPT_SOCKETFUNCTION, on_socket);
	curl_multi_setopt(multi->curl, CURLMOPT_SOCKETDATA, multi);
	curl_multi_setopt(multi->curl, CURLMOPT_TIMERFUNCTION, on_timer);
	curl_multi_setopt(multi->curl, CURLMOPT_TIMERDATA, multi);
	curl_multi_setopt(multi->curl, CURLMOPT_MAXCONNECTS, (long)IDLE_CONNECTIONS_MAX);
	*ret_multi = multi;
	return RC_OK;
}

void http_multi_destroy(struct http_multi *multi)
{
	if (!multi)
		return;
	http_link_forget_identity(multi);
	if (multi->curl)
		curl_multi_cleanup(multi->curl);
	if (multi->epoll >= 0)
		close(multi->epoll);
	if (multi->link_epoll >= 0)
		close(multi->link_epoll);
	free(multi);
}

int http_multi_fd(const struct http_multi *multi)
{
	return multi->epoll;
}

static void end_those_that_are_done(struct http_multi *multi)
{
	CURLMsg *message;
	int left;

	while ((message = curl_multi_info_read(multi->curl, &left)) != NULL) {
		char *private = NULL;
		struct http_job *job;

		if (message->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &private);
		job = (struct http_job *)(void *)private;
		job->done(job, message->data.result);
	}
}

int64_t http_multi_due_ms(const struct http_multi *multi)
{
	int64_t link_ms = http_link_due_ms(multi);

	return multi->due_ms < link_ms ? multi->due_ms : link_ms;
}

void http_multi_turn(struct http_multi *multi)
{
	struct epoll_event events[HTTP_EVENTS_AT_ONCE];
	int count = epoll_wait(multi->epoll, events, HTTP_EVENTS_AT_ONCE, 0);
	int running;

	for (int i = 0; i < count; i++) {
		int what;

		if (events[i].data.fd == multi->link_epoll)
			continue; /* below */
		what = (events[i].events & EPOLLIN ? CURL_CSELECT_IN : 0) |
		       (events[i].events & EPOLLOUT ? CURL_CSELECT_OUT : 0) |
		       (events[i].events & (EPOLLERR | EPOLLHUP) ? CURL_CSELECT_ERR : 0);

		(void)curl_multi_socket_action(multi->curl, events[i].data.fd, what, &running); /* reported by done() */
	}
	if (clock_mono_ms() >= multi->due_ms) {
		multi->due_ms = INT64_MAX;
		(void)curl_multi_socket_action(multi->curl, CURL_SOCKET_TIMEOUT, 0, &running);
	}
	end_those_that_are_done(multi);
	http_link_turn(multi);
}
