#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <inttypes.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/base/buf.h"
#include "common/base/compiler.h"
#include "common/http/http_duplex.h"

#define CONNECTIONS 40
#define AT_ONCE 8 /* HTTP_EVENTS_AT_ONCE of common/http/http_multi_private.h */
#define TURNS_MAX 2000
#define TURN_MS 5
#define LINES 40

/* Accepts no connection. Returns the port. */
static uint16_t listen_anywhere(int *ret_fd)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(address);

	*ret_fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	cr_assert_eq(bind(*ret_fd, (struct sockaddr *)&address, len), 0);
	cr_assert_eq(listen(*ret_fd, CONNECTIONS), 0);
	cr_assert_eq(getsockname(*ret_fd, (struct sockaddr *)&address, &len), 0);
	return ntohs(address.sin_port);
}

static int accept_all(int fd, int *accepted)
{
	int count = 0;

	while ((accepted[count] = accept4(fd, NULL, NULL, SOCK_CLOEXEC)) >= 0)
		count++;
	return count;
}

/* Each may be a TLS handshake: forty of them in one turn would block the loop for too long on a busy machine. */
Test(http_duplex, many_connections_are_spread_over_several_turns)
{
	const struct http_identity direct = { .proxy = "" };
	struct http_duplex *duplexes[CONNECTIONS];
	int accepted[CONNECTIONS + 1];
	struct http_multi *multi;
	char url[64];
	const struct http_request request = { .method = "GET", .url = url, .identity = &direct };
	const struct http_duplex_taker taker = { .ctx = NULL };
	int total = 0;
	int fd;

	snprintf(url, sizeof(url), "http://127.0.0.1:%" PRIu16 "/", listen_anywhere(&fd));
	cr_assert_eq(http_multi_create(&multi, NULL), RC_OK);
	for (int i = 0; i < CONNECTIONS; i++)
		cr_assert_eq(http_duplex_open(multi, &request, &taker, &duplexes[i], NULL), RC_OK);
	for (int i = 0; i < TURNS_MAX && total < CONNECTIONS; i++) {
		struct pollfd turn = { .fd = http_multi_fd(multi), .events = POLLIN };
		int count;

		http_multi_turn(multi);
		count = accept_all(fd, accepted + total); /* those with an event, and those with a timer */
		total += count;
		cr_assert_leq(count, 2 * AT_ONCE, "%d in turn %d", count, i);
		(void)poll(&turn, 1, http_multi_due_ms(multi) == INT64_MAX ? TURN_MS : 0);
	}
	cr_expect_eq(total, CONNECTIONS);
	for (int i = 0; i < CONNECTIONS; i++)
		http_duplex_close(duplexes[i]);
	for (int i = 0; i < total; i++)
		close(accepted[i]);
	http_multi_destroy(multi);
	close(fd);
}

/* ---- streamed responses ------------------------------------------------------------------------------------------ */

struct reader {
	struct http_duplex *duplex;
	struct buf body;
	bool busy; /* accepts nothing */
	int refusals;
	int begun;
	bool done;
	int status;
	struct buf error_body;
	struct error err;
};

static void on_begun(void *ctx)
{
	struct reader *r = ctx;

	r->begun++;
	cr_expect_eq(http_duplex_status(r->duplex), 200);
}

static bool on_piece(void *ctx, const char *bytes, size_t len)
{
	struct reader *r = ctx;

	cr_expect_leq(len, HTTP_PIECE_MAX);
	if (r->busy) {
		r->refusals++;
		return false;
	}
	buf_add(&r->body, bytes, len);
	r->busy = true; /* until exchange() resumes it */
	return true;
}

static void on_done(void *ctx, const struct http_response *response, const struct error *err)
{
	struct reader *r = ctx;

	r->done = true;
	r->duplex = NULL;
	r->status = response->status;
	buf_add(&r->error_body, response->body.data, response->body.len);
	r->err = *err;
}

static void turn(struct http_multi *multi)
{
	struct pollfd p = { .fd = http_multi_fd(multi), .events = POLLIN };

	(void)poll(&p, 1, http_multi_due_ms(multi) == INT64_MAX ? TURN_MS : 0);
	http_multi_turn(multi);
}

/* One request with these bytes as the response; `ends`: the server closes the connection afterwards. */
static void exchange(struct reader *r, const char *answer, size_t len, bool ends)
{
	const struct http_identity direct = { .proxy = "" };
	static const char *const headers[] = { "Connection: close" };
	static const char begins[] = "GET /log?x=1 HTTP/1.1\r\nHost: 127.0.0.1:";
	char url[64];
	const struct http_request request = {
		.method = "GET", .url = url, .identity = &direct, .headers = headers, .header_count = 1
	};
	const struct http_duplex_taker taker = { .begun = on_begun, .take = on_piece, .done = on_done, .ctx = r };
	struct http_multi *multi;
	char asked[512] = "";
	size_t sent = 0;
	int client = -1;
	int fd;

	*r = (struct reader){ .body = buf_make(1 << 20), .error_body = buf_make(1 << 20) };
	snprintf(url, sizeof(url), "http://127.0.0.1:%" PRIu16 "/log?x=1", listen_anywhere(&fd));
	cr_assert_eq(http_multi_create(&multi, NULL), RC_OK);
	cr_assert_eq(http_duplex_open(multi, &request, &taker, &r->duplex, NULL), RC_OK);
	cr_expect_eq(http_duplex_status(r->duplex), 0);
	for (int i = 0; i < TURNS_MAX && !r->done; i++) {
		turn(multi);
		if (client < 0)
			client = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
		if (client >= 0 && !asked[0])
			(void)recv(client, asked, sizeof(asked) - 1, 0);
		if (asked[0] && sent < len) {
			ssize_t count = send(client, answer + sent, len - sent, MSG_NOSIGNAL);

			sent += count > 0 ? (size_t)count : 0;
			if (sent == len && ends)
				(void)shutdown(client, SHUT_WR);
		}
		if (r->busy && r->duplex && i % 3 == 0) {
			r->busy = false;
			http_duplex_resume(r->duplex);
		}
	}
	cr_expect_eq(strncmp(asked, begins, strlen(begins)), 0, "%s", asked);
	http_duplex_close(r->duplex);
	http_multi_destroy(multi);
	close(client);
	close(fd);
}

static void clear(struct reader *r)
{
	buf_clear(&r->body);
	buf_clear(&r->error_body);
}

Test(http_duplex, a_body_is_paused_until_resumed_without_loss)
{
	struct buf answer cleanup_buf = buf_make(1 << 20);
	struct buf body cleanup_buf = buf_make(1 << 20);
	struct reader r;

	buf_add_str(&answer, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
	for (int i = 0; i < LINES; i++) {
		char line[512];
		int len = snprintf(line, sizeof(line), "%0*d\n", 10 * i + 1, i);

		buf_addf(&answer, "%x\r\n%s\r\n", (unsigned)len, line);
		buf_add_str(&body, line);
	}
	buf_add_str(&answer, "0\r\n\r\n");
	exchange(&r, answer.data, answer.len, false);
	cr_expect(r.done);
	cr_expect_eq(r.err.rc, RC_OK, "%s", r.err.text);
	cr_expect_eq(r.begun, 1);
	cr_expect_geq(r.refusals, LINES - 1);
	cr_expect_str_eq(r.body.data, body.data);
	clear(&r);
}

Test(http_duplex, a_response_is_complete_or_an_error)
{
	static const struct {
		const char *answer;
		int status;
		int begun;
		enum rc rc;
		const char *body;       /* received by the taker */
		const char *error_body; /* collected */
	} cases[] = {
		{ "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc", 200, 1, RC_OK, "abc", "" },
		{ "HTTP/1.1 200 OK\r\n\r\nabc", 200, 1, RC_OK, "abc", "" },
		{ "HTTP/1.1 100 Go on\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na", 200, 1, RC_OK, "a", "" },
		{ "HTTP/1.1 204 No\r\n\r\n", 204, 0, RC_OK, "", "" },
		{ "HTTP/1.1 404 No\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nno\r\n0\r\n\r\n", 404, 0, RC_OK, "",
		  "no" },
		{ "HTTP/1.1 404 No\r\nContent-Length: 2\r\n\r\nno", 404, 0, RC_OK, "", "no" },
		{ "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nab", 200, 1, RC_UNAVAILABLE, "ab", "" },
		{ "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n", 200, 1, RC_UNAVAILABLE, "ab",
		  "" },
		{ "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx", 200, 1, RC_UNAVAILABLE, "", "" },
		{ "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nx", 200, 0, RC_UNAVAILABLE, "", "" },
		{ "HTTP/1.1 200 OK\r\nContent-", 0, 0, RC_UNAVAILABLE, "", "" },
		{ "HTTP/1.1 101 What\r\n\r\n", 101, 0, RC_UNAVAILABLE, "", "" },
		{ "SSH-2.0-x\r\n", 0, 0, RC_UNAVAILABLE, "", "" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct reader r;

		exchange(&r, cases[i].answer, strlen(cases[i].answer), true);
		cr_expect(r.done, "%s", cases[i].answer);
		cr_expect_eq(r.err.rc, cases[i].rc, "%s: %s", cases[i].answer, r.err.text);
		cr_expect_eq(r.status, cases[i].status, "%s: %d", cases[i].answer, r.status);
		cr_expect_eq(r.begun, cases[i].begun, "%s", cases[i].answer);
		cr_expect_str_eq(r.body.data, cases[i].body, "%s", cases[i].answer);
		cr_expect_str_eq(r.error_body.data, cases[i].error_body, "%s", cases[i].answer);
		clear(&r);
	}
}
