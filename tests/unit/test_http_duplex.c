#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <inttypes.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/http/http_duplex.h"

#define CONNECTIONS 40
#define AT_ONCE 8 /* HTTP_EVENTS_AT_ONCE of common/http/http_multi_private.h */
#define TURNS_MAX 2000
#define TURN_MS 5

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

/* Each may be a TLS handshake: a loop that makes forty of them in one turn is silent for too long on a busy machine. */
Test(http_duplex, many_connections_are_not_made_in_one_turn)
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
		count = accept_all(fd, accepted + total); /* those with an event, and those in time */
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
