/*
 * A generic HTTP/1.1 server; encapsulates libmicrohttpd.
 *
 * admit() is called after the headers of a request, to accept or reject it before its body is read, and handle() with
 * the complete request. The handler responds immediately, or defers: the connection is then suspended without a thread,
 * and the holder of the ticket responds later. Tickets have a generation: invalid ones are rejected. Bodies and
 * responses are counted in the memory budget (memory_budget.h).
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

/* A request and its response. */
struct http_exchange;

/* Identifies a deferred exchange; 0: none. */
typedef uint64_t http_ticket;

enum http_handled {
	HTTP_ADMITTED, /* admit(): read the body */
	HTTP_ANSWERED, /* http_exchange_answer() was called */
	HTTP_DEFERRED, /* http_exchange_defer() was called; the exchange may be owned by another thread */
};

/* The source of a streamed body, sent chunked, or until the connection is closed. */
struct http_source {
	/*
	 * Write up to `max` bytes and return the number; 0: none yet, http_exchange_wake() follows; HTTP_SOURCE_END; or
	 * HTTP_SOURCE_FAILED: the connection is aborted, so that the client detects the truncation. On a server thread;
	 * must not block. Not called after finish().
	 */
	ssize_t (*read)(void *ctx, char *to, size_t max);
	void *ctx; /* NULL: no source */
};
#define HTTP_SOURCE_END (-1)
#define HTTP_SOURCE_FAILED (-2)

/* With status 101: the handler of the upgraded connection. */
struct http_upgrade {
	const char *protocol; /* http_exchange_wants(); NULL: no upgrade */
	/* For a WebSocket: Sec-WebSocket-Accept and -Protocol. Borrowed as ctx; NULL: none. */
	const char *accept;
	const char *subprotocol;
	/*
	 * From now on http_exchange_receive() and so on may be used, until http_exchange_leave(). On a server thread;
	 * must not block.
	 *
	 * early data sent by the client before the response, `len` bytes.
	 */
	void (*take_over)(void *ctx, const char *early, size_t len);
	void *ctx;
};

struct http_answer {
	unsigned status;
	const char *content_type; /* static; NULL: no body */
	char *body;               /* owned (free()), or static with body_is_static; NULL: empty */
	size_t body_len;
	bool body_is_static;
	int retry_after_s;          /* 0: no Retry-After */
	char allow[64];             /* "": no Allow */
	const char *authenticate;   /* static; NULL: no WWW-Authenticate */
	const char *accepted;       /* static; NULL: no Accept-Encoding */
	char etag[72];              /* including quotes; "": no ETag */
	const char *const *headers; /* static: alternating names and values, NULL-terminated; NULL: none */
	bool close;                 /* close the connection afterwards */
	/* From admit(): do not wait for the body; close the connection instead. */
	bool at_once;
	struct http_source source;
	struct http_upgrade upgrade;
	/* Check that the client is still connected before sending; otherwise the response is not delivered. */
	bool only_if_present;
};

struct http_server_options {
	int listen_fd;          /* bound and listening; owned by the server once created */
	const struct tls *tls;  /* NULL: plain HTTP; must outlive the server */
	unsigned threads;       /* number of server threads */
	size_t max_connections; /* more receive a response and are closed, see http_server_crowded() */
	size_t max_body;        /* bytes */
	int64_t read_timeout_ms;
	int64_t write_timeout_ms;
	int64_t idle_timeout_ms;

	/*
	 * Called after the headers. On a server thread; must not block. Returns HTTP_ADMITTED, or HTTP_ANSWERED: the
	 * body is then discarded, or not read (`at_once`, Expect: 100-continue). If http_exchange_fault() is set, the
	 * request is malformed, and only HTTP_ANSWERED is allowed.
	 */
	enum http_handled (*admit)(void *ctx, struct http_exchange *exchange);
	/*
	 * Called with a complete admitted request. On a server thread; must not block. If http_exchange_fault() is set,
	 * its body is malformed, late or too large, or exceeds the memory budget: only HTTP_ANSWERED is allowed, and
	 * there is no body.
	 */
	enum http_handled (*handle)(void *ctx, struct http_exchange *exchange);
	/*
	 * Called at the end of an exchange, if admit() was called; must free its user pointer. `delivered`: the
	 * complete response was sent to a connected client. On a server thread; must not block.
	 */
	void (*finish)(void *ctx, struct http_exchange *exchange, bool delivered);
	void *ctx;
};

/*
 * Create a server; it does not serve yet.
 *
 * ret_server  owned by the caller (http_server_destroy).
 * Errors: RC_NO_MEMORY; RC_INTERNAL a thread cannot be started.
 */
enum rc http_server_create(const struct http_server_options *options, struct http_server **ret_server,
			   struct error *err) must_check;

/* Start to serve. RC_INTERNAL the threads cannot be started. */
enum rc http_server_start(struct http_server *server, struct error *err) must_check;

/* Stop to accept connections, close idle ones, and close the others after their response. */
void http_server_drain(struct http_server *server);

/* Whether http_server_drain() was called. Thread-safe. */
bool http_server_is_draining(const struct http_server *server);

/* The number of open connections. */
size_t http_server_connections(struct http_server *server);

/* Whether more than max_connections connections are busy with a request. Then only cheap requests should be served. */
bool http_server_crowded(struct http_server *server);

/*
 * Close all connections and end all threads. No exchange may be deferred (claim and answer them first). Blocks until
 * finish() was called for all.
 */
void http_server_stop(struct http_server *server);

/* Free it. NULL is allowed. Until then tickets may be used (and are rejected). */
void http_server_destroy(struct http_server *server);

/* The request. The strings are valid as long as the exchange. */
const char *http_exchange_method(const struct http_exchange *exchange);
const char *http_exchange_target(const struct http_exchange *exchange); /* raw, not decoded */
const char *http_exchange_body(const struct http_exchange *exchange, size_t *ret_len);

/* The value of a header, case-insensitive; the first if there are several, NULL: none. Valid in admit() and handle().
 */
const char *http_exchange_header(const struct http_exchange *exchange, const char *name);

/*
 * All headers with that name as one list (RFC 9110 section 5.3), separated by commas; "" if there is none. Values that
 * do not fit into `size` bytes are omitted. Valid like http_exchange_header().
 */
void http_exchange_list(const struct http_exchange *exchange, const char *name, char *out, size_t size);

/* Whether the client has a valid TLS certificate, signed by one of the CAs. Valid in admit() and handle(). */
bool http_exchange_client_is_known(const struct http_exchange *exchange);

/*
 * The HTTP error of the request: RC_INVALID_ARGUMENT, RC_UNAUTHENTICATED, RC_TOO_LARGE, RC_BUSY or RC_NO_MEMORY with a
 * message; NULL: none.
 */
const struct error *http_exchange_fault(const struct http_exchange *exchange);

/* The HTTP status of the fault (408, 431, ...); 0: the default of its code. */
unsigned http_exchange_fault_status(const struct http_exchange *exchange);

/* The handler's data of the exchange; initially NULL. */
void *http_exchange_user(const struct http_exchange *exchange);
void http_exchange_set_user(struct http_exchange *exchange, void *user);

/* The value of the response header X-Request-Id; borrowed until finish(). */
void http_exchange_set_request_id(struct http_exchange *exchange, const char *request_id);

/* Respond in admit() or handle(). Takes ownership of the body. */
void http_exchange_answer(struct http_exchange *exchange, const struct http_answer *answer);

/*
 * Suspend the exchange, in handle(). From then on only the owner of the claimed ticket may use it; its body is freed.
 * Returns 0 if out of memory; it is then not suspended, and must be answered.
 */
http_ticket http_exchange_defer(struct http_exchange *exchange);

/*
 * Claim a suspended exchange, from any thread: exactly one caller succeeds, and must call http_exchange_resume() soon.
 * NULL: claimed by another thread.
 */
struct http_exchange *http_server_claim(struct http_server *server, http_ticket ticket);

/*
 * Whether the client of a suspended exchange is still connected. Also true for one that is no longer suspended.
 * Thread-safe.
 */
bool http_server_is_present(struct http_server *server, http_ticket ticket);

/*
 * Respond to a claimed exchange and resume its connection. Takes ownership of the body; the caller must not use the
 * exchange afterwards.
 */
void http_exchange_resume(struct http_exchange *exchange, const struct http_answer *answer);

/*
 * Whether the client requests an upgrade to that protocol, and it is possible. Valid in handle(), and while it is
 * claimed.
 */
bool http_exchange_wants(const struct http_exchange *exchange, const char *protocol);

/*
 * For an exchange whose response has a source, from http_exchange_resume() until finish(), from any thread:
 *
 *   wake        the source has data, or its end
 *   is_present  whether the client has neither closed nor half-closed its connection
 *   drop        abort the connection; the source is no longer read
 */
void http_exchange_wake(struct http_exchange *exchange);
bool http_exchange_is_present(const struct http_exchange *exchange);
void http_exchange_drop(struct http_exchange *exchange);

/*
 * For an exchange whose connection was upgraded, on one thread at a time; includes TLS.
 *
 *   fd       for poll(2); does not include data buffered by receive()
 *   receive  up to `max` bytes; 0: end of file, or HTTP_PEER_BUSY, HTTP_PEER_GONE
 *   send     returns the number of bytes accepted, or the same two. After HTTP_PEER_BUSY repeat the call with the same
 *            bytes
 *   leave    end it; finish() may be called immediately
 *
 * Never block.
 */
#define HTTP_PEER_BUSY (-1)
#define HTTP_PEER_GONE (-2)
int http_exchange_fd(const struct http_exchange *exchange);
ssize_t http_exchange_receive(struct http_exchange *exchange, void *to, size_t max);
ssize_t http_exchange_send(struct http_exchange *exchange, const void *data, size_t len);
void http_exchange_leave(struct http_exchange *exchange);

#endif
