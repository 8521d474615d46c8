/*
 * HTTP/1.1, and nothing about containers; libmicrohttpd is private to it.
 *
 * A request is shown once when its headers are there, to be admitted or rejected before its body is read, and is given
 * to its handler once, complete. The handler answers at once, or it defers: the connection is then parked without a
 * thread, and anybody who holds the ticket answers later. Tickets carry a generation: one that is no longer valid is
 * simply rejected. Bodies and answers are counted into the memory budget (memory_budget.h).
 */
#ifndef API_SVC_HTTP_HTTP_SERVER_H
#define API_SVC_HTTP_HTTP_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "api-svc/http/tls.h"
#include "common/base/error.h"

struct http_server;

/* One request and its answer. */
struct http_exchange;

/* Names a deferred exchange; 0 is none. */
typedef uint64_t http_ticket;

enum http_handled {
	HTTP_ADMITTED, /* admit(): let the body come */
	HTTP_ANSWERED, /* http_exchange_answer() was called */
	HTTP_DEFERRED, /* http_exchange_defer() was called; the exchange may belong to another thread by now */
};

/* Instead of a body that is there: one that comes while it is sent, chunked, or until the connection ends. */
struct http_source {
	/*
	 * Write up to `max` bytes and return how many; 0: none yet, http_exchange_wake() will tell; HTTP_SOURCE_END; or
	 * HTTP_SOURCE_FAILED: the connection ends so that the client sees that it has not got all. On a server thread;
	 * must not block. Not called after finish().
	 */
	ssize_t (*read)(void *ctx, char *to, size_t max);
	void *ctx; /* NULL: there is no source */
};
#define HTTP_SOURCE_END (-1)
#define HTTP_SOURCE_FAILED (-2)

/* With status 101: what takes the connection over. */
struct http_upgrade {
	const char *protocol; /* http_exchange_wants(); NULL: there is none */
	/* Of a WebSocket: Sec-WebSocket-Accept and -Protocol. Borrowed as ctx is; NULL: it is none. */
	const char *accept;
	const char *subprotocol;
	/*
	 * From now on http_exchange_receive() and so on may be used, until http_exchange_leave(). On a server thread;
	 * must not block.
	 *
	 * early  what the client sent before it had the answer, `len` bytes.
	 */
	void (*take_over)(void *ctx, const char *early, size_t len);
	void *ctx;
};

struct http_answer {
	unsigned status;
	const char *content_type; /* static; NULL: no body */
	char *body;               /* given (free()), or with body_is_static borrowed forever; NULL: empty */
	size_t body_len;
	bool body_is_static;
	int retry_after_s;          /* 0: no Retry-After */
	char allow[64];             /* "": no Allow */
	const char *authenticate;   /* static; NULL: no WWW-Authenticate */
	const char *accepted;       /* static; NULL: no Accept-Encoding */
	char etag[72];              /* with its quotes; "": no ETag */
	const char *const *headers; /* static: others, names and values in turn, NULL at the end; NULL: none */
	bool close;                 /* end the connection afterwards */
	/* From admit(): do not wait for the body that was announced; the connection ends instead. */
	bool at_once;
	struct http_source source;
	struct http_upgrade upgrade;
	/* Ask whether the client is still there before sending; when it is not, the answer counts as not delivered. */
	bool only_if_present;
};

struct http_server_options {
	int listen_fd;          /* bound and listening; taken over when the server is created */
	const struct tls *tls;  /* NULL: plain HTTP; must outlive the server */
	unsigned threads;       /* that serve all connections */
	size_t max_connections; /* more are answered and closed, see http_server_crowded() */
	size_t max_body;        /* bytes */
	int64_t read_timeout_ms;
	int64_t write_timeout_ms;
	int64_t idle_timeout_ms;

	/*
	 * The headers of a request. On a server thread; must not block. Returns HTTP_ADMITTED, or HTTP_ANSWERED: the
	 * body is then read and thrown away, or not even awaited (`at_once`, Expect: 100-continue). With
	 * http_exchange_fault() set the request is malformed: only HTTP_ANSWERED is then allowed.
	 */
	enum http_handled (*admit)(void *ctx, struct http_exchange *exchange);
	/*
	 * A request that was admitted, complete. On a server thread; must not block. With http_exchange_fault() set its
	 * body is malformed, late or too large, or may not be held: only HTTP_ANSWERED is then allowed, and the body is
	 * not there.
	 */
	enum http_handled (*handle)(void *ctx, struct http_exchange *exchange);
	/*
	 * The end of an exchange that admit() saw; its user pointer is to be freed now. `delivered`: every byte of
	 * the answer went to a client that was still there. On a server thread; must not block.
	 */
	void (*finish)(void *ctx, struct http_exchange *exchange, bool delivered);
	void *ctx;
};

/*
 * Make a server; it does not serve yet.
 *
 * ret_server  owned by the caller (http_server_destroy).
 * Errors: RC_NO_MEMORY; RC_INTERNAL when a thread cannot be started.
 */
enum rc http_server_create(const struct http_server_options *options, struct http_server **ret_server,
			   struct error *err) must_check;

/* Begin to serve. RC_INTERNAL when the threads cannot be started. */
enum rc http_server_start(struct http_server *server, struct error *err) must_check;

/* Accept no more connections, end the idle ones, and tell all others to close after their answer. */
void http_server_drain(struct http_server *server);

/* Whether http_server_drain() was called. Any thread. */
bool http_server_is_draining(const struct http_server *server);

/* Connections that are open. */
size_t http_server_connections(struct http_server *server);

/* Whether more than max_connections connections are busy with a request. Then only what is cheap should be answered. */
bool http_server_crowded(struct http_server *server);

/*
 * End all connections and threads. No exchange may be deferred any more (claim and answer them first). Blocks until
 * finish() has run for all.
 */
void http_server_stop(struct http_server *server);

/* Free it. NULL is allowed. Tickets may be offered (and are rejected) until here. */
void http_server_destroy(struct http_server *server);

/* What the client sent. The strings live as long as the exchange. */
const char *http_exchange_method(const struct http_exchange *exchange);
const char *http_exchange_target(const struct http_exchange *exchange); /* raw: nothing is decoded */
const char *http_exchange_body(const struct http_exchange *exchange, size_t *ret_len);

/* A header's value, its name in any case; the first when there are several, NULL when there is none. Valid in
 * admit() and handle().
 */
const char *http_exchange_header(const struct http_exchange *exchange, const char *name);

/*
 * All headers of that name as one list (RFC 9110 section 5.3): their values with a comma in between; "" when there is
 * none. What does not fit into `size` bytes is left out, value by value. Valid like http_exchange_header().
 */
void http_exchange_list(const struct http_exchange *exchange, const char *name, char *out, size_t size);

/* Whether the client has a valid TLS certificate, signed by one of the CAs. Valid in admit() and handle(). */
bool http_exchange_client_is_known(const struct http_exchange *exchange);

/*
 * What is wrong with the request as HTTP: RC_INVALID_ARGUMENT, RC_UNAUTHENTICATED, RC_TOO_LARGE, RC_BUSY or
 * RC_NO_MEMORY with a sentence; NULL: nothing.
 */
const struct error *http_exchange_fault(const struct http_exchange *exchange);

/* The status that the fault has in HTTP (408, 431, ...); 0: the usual one of its code. */
unsigned http_exchange_fault_status(const struct http_exchange *exchange);

/* What the handler keeps with the exchange; NULL at first. */
void *http_exchange_user(const struct http_exchange *exchange);
void http_exchange_set_user(struct http_exchange *exchange, void *user);

/* The value of the response header X-Request-Id; borrowed until finish(). */
void http_exchange_set_request_id(struct http_exchange *exchange, const char *request_id);

/* Answer in admit() or handle(). The body is taken over. */
void http_exchange_answer(struct http_exchange *exchange, const struct http_answer *answer);

/*
 * Park the exchange, in handle(). From here on only the one who claims the ticket may touch it; its body is gone.
 * Returns 0 when out of memory; it is then not parked, and must be answered.
 */
http_ticket http_exchange_defer(struct http_exchange *exchange);

/*
 * Get a parked exchange, from any thread: exactly one caller gets it, and must call http_exchange_resume() soon. NULL:
 * another thread has.
 */
struct http_exchange *http_server_claim(struct http_server *server, http_ticket ticket);

/*
 * Whether the client of a suspended exchange is still connected. Also true for one that is no longer parked. Any
 * thread.
 */
bool http_server_is_present(struct http_server *server, http_ticket ticket);

/* Answer a claimed exchange and let its connection go on. The body is taken over; the exchange is gone for the caller.
 */
void http_exchange_resume(struct http_exchange *exchange, const struct http_answer *answer);

/*
 * Whether the client requests an upgrade to that protocol, and it is possible. Valid in handle(), and while it is
 * claimed.
 */
bool http_exchange_wants(const struct http_exchange *exchange, const char *protocol);

/*
 * For an exchange whose answer has a source, from http_exchange_resume() until finish(), from any thread:
 *
 *   wake        the source has something, its end included
 *   is_present  has the client neither ended nor half-closed its connection? (A source's client has no more to say.)
 *   drop        end the connection as it is; the source is no longer asked
 */
void http_exchange_wake(struct http_exchange *exchange);
bool http_exchange_is_present(const struct http_exchange *exchange);
void http_exchange_drop(struct http_exchange *exchange);

/*
 * For an exchange whose connection was taken over, on one thread at a time: through TLS, if need be.
 *
 *   fd       to wait for, with poll(2); not for what receive() has left
 *   receive  up to `max` bytes; 0: the client has ended, or HTTP_PEER_BUSY, HTTP_PEER_GONE
 *   send     returns how many bytes of it were taken, or the same two. After HTTP_PEER_BUSY the next call has the same
 *            bytes
 *   leave    it is over; finish() may run at once
 *
 * Never wait.
 */
#define HTTP_PEER_BUSY (-1)
#define HTTP_PEER_GONE (-2)
int http_exchange_fd(const struct http_exchange *exchange);
ssize_t http_exchange_receive(struct http_exchange *exchange, void *to, size_t max);
ssize_t http_exchange_send(struct http_exchange *exchange, const void *data, size_t len);
void http_exchange_leave(struct http_exchange *exchange);

#endif
