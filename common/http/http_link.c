#include "common/http/http_link.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/adapters/crypto.h"
#include "common/adapters/tls_client.h"
#include "common/base/clock.h"
#include "common/base/strutil.h"
#include "common/http/http_multi_private.h"
#include "common/http/http_proxy.h"

#define HTTPS "https://"
#define AUTHORITIES_MS 600000 /* for how long the system's authorities, 850 KiB, are not read again */

/* curl's part. Kept if data passes through curl's own TLS, to a proxy; otherwise freed once connected. */
struct way {
	struct http_job job; /* first member: CURLOPT_PRIVATE points to it */
	struct http_link *link;
	struct http_multi *own;
	CURL *easy;
	struct http_easy_lists lists;
	struct buf proxy;
	char text[CURL_ERROR_SIZE];
	bool done; /* with this result: */
	CURLcode code;
};

struct http_link {
	struct http_multi *multi; /* whose loop it is on */
	struct http_link_taker taker;
	enum { LINK_OPENING, LINK_SHAKING, LINK_OPEN, LINK_FAILED } state;
	struct way *way;        /* NULL: it is no longer needed */
	int fd;                 /* -1: none yet */
	struct tls_client *tls; /* NULL: no TLS */
	char *host;
	bool send_busy;
	bool is_due; /* in the list of links to call by time, or by http_link_again() */
	int64_t due_ms;
	TAILQ_ENTRY(http_link) of_due;
};

/* ---- descriptors, and the list of due links ---------------------------------------------------------------------- */

static bool make_epoll(struct http_multi *multi)
{
	struct epoll_event event = { .events = EPOLLIN };

	if (multi->link_epoll >= 0)
		return true;
	multi->link_epoll = epoll_create1(EPOLL_CLOEXEC);
	event.data.fd = multi->link_epoll;
	if (multi->link_epoll >= 0 && epoll_ctl(multi->epoll, EPOLL_CTL_ADD, multi->link_epoll, &event) == 0)
		return true;
	if (multi->link_epoll >= 0)
		close(multi->link_epoll);
	multi->link_epoll = -1;
	return false;
}

static bool watch(struct http_link *l, int operation, int fd, unsigned events)
{
	struct epoll_event event = { .events = events, .data.ptr = l };

	return epoll_ctl(l->multi->link_epoll, operation, fd, &event) == 0;
}

/* At the end: those that have waited longest come first. */
static void set_due(struct http_link *l, int64_t due_ms)
{
	l->due_ms = due_ms;
	if (!l->is_due)
		TAILQ_INSERT_TAIL(&l->multi->due_links, l, of_due);
	l->is_due = true;
}

static void unset_due(struct http_link *l)
{
	if (l->is_due)
		TAILQ_REMOVE(&l->multi->due_links, l, of_due);
	l->is_due = false;
}

void http_link_wait(struct http_link *l, bool to_receive)
{
	bool to_send = l->send_busy || (l->tls && tls_client_wants_to_send(l->tls));
	unsigned events = (to_receive ? (unsigned)EPOLLIN | EPOLLRDHUP : 0) | (to_send ? (unsigned)EPOLLOUT : 0);

	(void)watch(l, EPOLL_CTL_MOD, l->fd, events | EPOLLONESHOT); /* registered since it connected */
}

void http_link_again(struct http_link *l)
{
	set_due(l, 0); /* immediately */
}

/* ---- bytes ------------------------------------------------------------------------------------------------------- */

static ssize_t socket_fault(void)
{
	return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR ? HTTP_LINK_BUSY : HTTP_LINK_GONE;
}

/* Through the TLS of a proxy. */
static ssize_t curl_result(CURLcode code, size_t count)
{
	if (code == CURLE_AGAIN)
		return HTTP_LINK_BUSY;
	return code == CURLE_OK ? (ssize_t)count : HTTP_LINK_GONE;
}

static ssize_t carry_in(void *ctx, void *to, size_t max)
{
	struct http_link *l = ctx;
	size_t count = 0;
	CURLcode code;
	ssize_t got;

	if (l->way) {
		code = curl_easy_recv(l->way->easy, to, max, &count);
		return curl_result(code, count);
	}
	got = recv(l->fd, to, max, 0);
	return got >= 0 ? got : socket_fault();
}

static ssize_t carry_out(void *ctx, const void *data, size_t len)
{
	struct http_link *l = ctx;
	size_t count = 0;
	CURLcode code;
	ssize_t sent;

	if (l->way) {
		code = curl_easy_send(l->way->easy, data, len, &count);
		return curl_result(code, count);
	}
	sent = send(l->fd, data, len, MSG_NOSIGNAL);
	return sent >= 0 ? sent : socket_fault();
}

_Static_assert(HTTP_LINK_BUSY == TLS_CLIENT_BUSY && HTTP_LINK_GONE == TLS_CLIENT_GONE, "the same values are passed on");

ssize_t http_link_receive(struct http_link *l, void *to, size_t max)
{
	return l->tls ? tls_client_receive(l->tls, to, max) : carry_in(l, to, max);
}

ssize_t http_link_send(struct http_link *l, const void *data, size_t len)
{
	ssize_t sent = l->tls ? tls_client_send(l->tls, data, len) : carry_out(l, data, len);

	l->send_busy = sent == HTTP_LINK_BUSY;
	return sent;
}

const char *http_link_host(const struct http_link *l)
{
	return l->host;
}

const char *http_link_fault(const struct http_link *l)
{
	return l->tls ? tls_client_fault(l->tls) : NULL;
}

/* Of "host:port", "[v6]:port" and the like; NULL: none. */
static const char *port_of(const char *host)
{
	const char *colon = strrchr(host, ':');

	return colon && !strchr(colon, ']') ? colon + 1 : NULL;
}

/* ---- connecting -------------------------------------------------------------------------------------------------- */

static void end_way(struct way *way)
{
	if (!way)
		return;
	if (way->easy && way->own)
		curl_multi_remove_handle(way->own->curl, way->easy);
	curl_easy_cleanup(way->easy);
	http_multi_destroy(way->own);
	http_easy_free_lists(&way->lists);
	buf_clear(&way->proxy);
	free(way);
}

/* curl has connected, or failed. Within http_multi_turn(way->own). */
static void on_connected(struct http_job *job, CURLcode code)
{
	struct way *way = (struct way *)job;

	way->done = true;
	way->code = code;
}

/* With the scheme http, so that curl only connects. */
static CURLcode set_up(struct way *way, const struct http_request *request)
{
	const char *given = request->identity ? request->identity->proxy : NULL;
	struct http_proxy_settings settings = http_proxy_read_environment();
	bool has_port = port_of(way->link->host) != NULL;
	bool secure = strncasecmp(request->url, HTTPS, strlen(HTTPS)) == 0;
	struct buf url cleanup_buf = buf_make(HTTP_HOST_MAX + 64);
	struct http_identity identity = { .proxy = NULL };
	struct http_request there = { .method = "GET", .identity = &identity };
	CURLcode c;

	if (given)
		buf_add_str(&way->proxy, given);
	else
		http_proxy_choose(&settings, request->url, &way->proxy);
	buf_addf(&url, "http://%s%s/", way->link->host, secure && !has_port ? ":443" : "");
	if (url.failed || way->proxy.failed)
		return CURLE_OUT_OF_MEMORY;
	identity.proxy = way->proxy.data;
	there.url = url.data;
	c = http_easy_set(way->easy, &there, &way->lists);
	HTTP_CHAIN(c, curl_easy_setopt(way->easy, CURLOPT_ERRORBUFFER, way->text));
	HTTP_CHAIN(c, curl_easy_setopt(way->easy, CURLOPT_CONNECT_ONLY, 1L));
	HTTP_CHAIN(c, curl_easy_setopt(way->easy, CURLOPT_HTTPPROXYTUNNEL, 1L)); /* also for http://, as kubectl */
	HTTP_CHAIN(c, http_multi_add(way->own, way->easy, &way->job));
	return c;
}

static enum rc begin_way(struct http_link *l, const struct http_request *request, struct error *err)
{
	struct way *way = l->way;
	CURLcode code;
	enum rc rc;

	way->job.done = on_connected;
	way->link = l;
	way->proxy = buf_make(HTTP_PROXY_MAX + HTTP_HOST_MAX);
	rc = http_multi_create(&way->own, err);
	if (rc)
		return rc;
	way->easy = curl_easy_init();
	if (!way->easy)
		return error_no_memory(err);
	code = set_up(way, request);
	if (code != CURLE_OK)
		return error_set(err, http_easy_rc(code), "cannot create a request: %s", curl_easy_strerror(code));
	if (!make_epoll(l->multi) || !watch(l, EPOLL_CTL_ADD, http_multi_fd(way->own), EPOLLIN))
		return error_set(err, RC_INTERNAL, "create an epoll descriptor: %s", error_errno_text(errno));
	return RC_OK;
}

/* ---- TLS --------------------------------------------------------------------------------------------------------- */

void http_link_forget_identity(struct http_multi *multi)
{
	tls_identity_release(TAKE(multi->identity));
}

/* Identifies an identity, without its secrets. Returns false if libcrypto fails. */
static bool read_fingerprint(const struct tls_texts *texts, struct http_fingerprint *ret)
{
	const char *const all[HTTP_FINGERPRINT_TEXTS] = { texts->ca, texts->certificate, texts->key };

	memset(ret, 0, sizeof(*ret)); /* including the padding, which is compared */
	ret->insecure = texts->insecure;
	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		ret->is_set[i] = all[i] != NULL;
		if (all[i] && !crypto_sha256(all[i], strlen(all[i]), ret->digest[i]))
			return false;
	}
	return true;
}

/* Whether the identity of the last connection was made from the same texts; rotated certificates require a new one. */
static bool is_current(const struct http_multi *multi, const struct tls_texts *texts,
		       const struct http_fingerprint *fingerprint)
{
	return multi->identity && memcmp(fingerprint, &multi->fingerprint, sizeof(*fingerprint)) == 0 &&
	       (texts->ca || texts->insecure || clock_mono_ms() < multi->identity_made_ms + AUTHORITIES_MS);
}

static enum rc find_identity(struct http_multi *multi, const struct tls_texts *texts, struct error *err)
{
	struct http_fingerprint fingerprint;
	struct tls_identity *identity = NULL;
	enum rc rc;

	if (!read_fingerprint(texts, &fingerprint))
		return error_set(err, RC_INTERNAL, "libcrypto cannot compute digests");
	if (is_current(multi, texts, &fingerprint))
		return RC_OK;
	rc = tls_identity_create(texts, &identity, err);
	if (rc)
		return rc;
	http_link_forget_identity(multi);
	multi->identity = identity;
	multi->fingerprint = fingerprint;
	multi->identity_made_ms = clock_mono_ms();
	return RC_OK;
}

/* The name that the server is to prove, without port and brackets. */
static void take_name(const char *host, char name[HTTP_HOST_MAX])
{
	const char *port = port_of(host);
	size_t len = port ? (size_t)(port - 1 - host) : strlen(host);

	if (len >= 2 && host[0] == '[' && host[len - 1] == ']') {
		host++;
		len -= 2;
	}
	memcpy(name, host, len);
	name[len] = '\0';
}

static enum rc begin_tls(struct http_link *l, const struct http_identity *identity, struct error *err)
{
	const struct tls_carrier carrier = { carry_in, carry_out, l };
	struct tls_texts texts = { .ca = NULL };
	char name[HTTP_HOST_MAX];
	enum rc rc;

	if (identity)
		texts = (struct tls_texts){ identity->ca_pem, identity->cert_pem, identity->key_pem,
					    identity->insecure };
	take_name(l->host, name);
	rc = find_identity(l->multi, &texts, err);
	if (rc)
		return rc;
	return tls_client_open(l->multi->identity, identity && identity->server_name ? identity->server_name : name,
			       &carrier, &l->tls, err);
}

/* ---- life cycle -------------------------------------------------------------------------------------------------- */

static char *host_of(const char *url)
{
	char authority[HTTP_HOST_MAX];

	if (!strstr(url, "://") || !http_easy_authority(url, authority))
		return NULL;
	return str_dup(strrchr(authority, '@') ? strrchr(authority, '@') + 1 : authority);
}

static enum rc begin(struct http_link *l, const struct http_request *request, struct error *err)
{
	bool secure = strncasecmp(request->url, HTTPS, strlen(HTTPS)) == 0;
	enum rc rc;

	l->host = host_of(request->url);
	if (!l->host)
		return error_set(err, RC_INVALID_ARGUMENT, "unusable URL");
	l->way = calloc(1, sizeof(*l->way));
	if (!l->way)
		return error_no_memory(err);
	rc = begin_way(l, request, err);
	if (!rc && secure)
		rc = begin_tls(l, request->identity, err);
	if (!rc)
		set_due(l, INT64_MAX); /* curl knows when */
	return rc;
}

enum rc http_link_open(struct http_multi *multi, const struct http_request *request,
		       const struct http_link_taker *taker, struct http_link **ret_link, struct error *err)
{
	struct http_link *l = calloc(1, sizeof(*l));
	enum rc rc;

	if (!l)
		return error_no_memory(err);
	l->multi = multi;
	l->taker = *taker;
	l->fd = -1;
	rc = begin(l, request, err);
	if (rc)
		http_link_close(l);
	else
		*ret_link = l;
	return rc;
}

void http_link_close(struct http_link *l)
{
	if (!l)
		return;
	unset_due(l);
	if (l->fd >= 0)
		(void)watch(l, EPOLL_CTL_DEL, l->fd, 0); /* before it is closed */
	tls_client_close(l->tls);
	if (l->fd >= 0 && !l->way)
		close(l->fd);
	end_way(l->way);
	free(l->host);
	free(l);
}

/* ---- the loop ---------------------------------------------------------------------------------------------------- */

/* The link is not used afterwards. */
static void fail(struct http_link *l, enum rc rc, const char *text)
{
	struct error err;

	error_set(&err, rc, "%s: %s", l->host, text);
	l->state = LINK_FAILED;
	l->taker.failed(l->taker.ctx, &err);
}

static void shake(struct http_link *l)
{
	struct error err;
	enum rc rc = tls_client_shake(l->tls, &err);

	if (rc == RC_BUSY) {
		http_link_wait(l, true);
	} else if (rc) {
		fail(l, rc, err.text);
	} else {
		unset_due(l);
		l->state = LINK_OPEN;
		l->taker.opened(l->taker.ctx);
	}
}

/* Connected. Takes over the descriptor if curl is no longer needed. Returns false if there is none. */
static bool take_descriptor(struct http_link *l)
{
	bool keeps_way = str_has_prefix(l->way->proxy.data, HTTPS);
	curl_socket_t fd = CURL_SOCKET_BAD;

	if (curl_easy_getinfo(l->way->easy, CURLINFO_ACTIVESOCKET, &fd) != CURLE_OK || fd == CURL_SOCKET_BAD)
		return false;
	(void)watch(l, EPOLL_CTL_DEL, http_multi_fd(l->way->own), 0); /* registered before */
	l->fd = keeps_way ? fd : fcntl(fd, F_DUPFD_CLOEXEC, 0);
	if (!keeps_way)
		end_way(TAKE(l->way));
	return l->fd >= 0 && watch(l, EPOLL_CTL_ADD, l->fd, EPOLLONESHOT);
}

static void use_connection(struct http_link *l)
{
	if (l->way->code != CURLE_OK) {
		fail(l, http_easy_rc(l->way->code), l->way->text[0] ? l->way->text : curl_easy_strerror(l->way->code));
		return;
	}
	if (!take_descriptor(l)) {
		fail(l, RC_INTERNAL, "the socket of the connection cannot be used");
		return;
	}
	if (l->tls) {
		l->state = LINK_SHAKING;
		set_due(l, clock_mono_ms() + HTTP_CONNECT_TIMEOUT_MS);
		shake(l);
		return;
	}
	unset_due(l);
	l->state = LINK_OPEN;
	l->taker.opened(l->taker.ctx);
}

static int64_t due_ms_of(const struct http_link *l)
{
	return l->state == LINK_OPENING ? http_multi_due_ms(l->way->own) : l->due_ms;
}

static void turn(struct http_link *l, int64_t now_ms)
{
	if (l->state == LINK_OPENING) {
		http_multi_turn(l->way->own);
		if (l->way->done)
			use_connection(l);
	} else if (l->state == LINK_SHAKING && now_ms >= l->due_ms) {
		fail(l, RC_TIMEOUT, "timeout during the TLS handshake");
	} else if (l->state == LINK_SHAKING) {
		shake(l);
	} else if (l->state == LINK_OPEN) {
		unset_due(l);
		l->taker.ready(l->taker.ctx);
	}
}

/* Each event of a turn is for another link, and no link closes another one. */
void http_link_turn(struct http_multi *multi)
{
	struct epoll_event events[HTTP_EVENTS_AT_ONCE];
	int count = multi->link_epoll >= 0 ? epoll_wait(multi->link_epoll, events, HTTP_EVENTS_AT_ONCE, 0) : 0;
	int64_t now_ms = clock_mono_ms();
	const struct http_link *last; /* what is added behind it is for the next turn */
	struct http_link *next;
	int left = HTTP_EVENTS_AT_ONCE; /* so is the rest */

	for (int i = 0; i < count; i++)
		turn(events[i].data.ptr, now_ms);
	last = TAILQ_LAST(&multi->due_links, http_due_links);
	for (struct http_link *l = TAILQ_FIRST(&multi->due_links); l && left; l = next) {
		next = l == last ? NULL : TAILQ_NEXT(l, of_due);
		if (due_ms_of(l) <= now_ms) {
			left--;
			turn(l, now_ms);
		}
	}
}

int64_t http_link_due_ms(const struct http_multi *multi)
{
	int64_t due_ms = INT64_MAX;

	for (const struct http_link *l = TAILQ_FIRST(&multi->due_links); l; l = TAILQ_NEXT(l, of_due))
		if (due_ms_of(l) < due_ms)
			due_ms = due_ms_of(l);
	return due_ms;
}
