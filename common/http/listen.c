#include "common/http/listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define HOST_MAX 256 /* bytes with the NUL */

/* Split "host:port" at the last colon, without brackets. */
static bool split_address(const char *address, char host[HOST_MAX], const char **ret_port)
{
	const char *colon = strrchr(address, ':');
	size_t len;

	if (!colon)
		return false;
	len = (size_t)(colon - address);
	if (len >= 2 && address[0] == '[' && address[len - 1] == ']') {
		address++;
		len -= 2;
	}
	if (len >= HOST_MAX)
		return false;
	memcpy(host, address, len);
	host[len] = '\0';
	*ret_port = colon + 1;
	return true;
}

static int bind_to(const struct sockaddr *address, socklen_t len, int backlog)
{
	int fd = socket(address->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int on = 1;
	int off = 0;
	int saved;

	if (fd < 0)
		return -1;
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)); /* otherwise a restart may fail */
	if (address->sa_family == AF_INET6)
		(void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off)); /* on failure only IPv6 is served */
	if (bind(fd, address, len) == 0 && listen(fd, backlog) == 0)
		return fd;
	saved = errno;
	close(fd);
	errno = saved;
	return -1;
}

/* Every address of the machine: one socket for both families, or IPv4 where the kernel has no IPv6. */
static int bind_to_all(in_port_t port, int backlog)
{
	struct sockaddr_in6 six = { .sin6_family = AF_INET6, .sin6_port = port, .sin6_addr = IN6ADDR_ANY_INIT };
	struct sockaddr_in four = { .sin_family = AF_INET, .sin_port = port };
	int fd = bind_to((const struct sockaddr *)&six, sizeof(six), backlog);

	if (fd < 0 && (errno == EAFNOSUPPORT || errno == EADDRNOTAVAIL))
		fd = bind_to((const struct sockaddr *)&four, sizeof(four), backlog);
	return fd;
}

static enum rc bind_to_host(const char *host, const char *port, int backlog, int *ret_fd, struct error *err)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV };
	struct addrinfo *found = NULL;
	int failed = getaddrinfo(host, port, &hints, &found);

	if (failed)
		return error_set(err, RC_INVALID_ARGUMENT, "resolve '%s': %s", host, gai_strerror(failed));
	*ret_fd = bind_to(found->ai_addr, found->ai_addrlen, backlog);
	freeaddrinfo(found);
	return RC_OK;
}

static void show_address(int fd, char shown[LISTEN_TEXT_MAX])
{
	struct sockaddr_storage address;
	socklen_t len = sizeof(address);
	char host[INET6_ADDRSTRLEN] = "";
	char port[8] = "";

	if (getsockname(fd, (struct sockaddr *)&address, &len) == 0)
		(void)getnameinfo((const struct sockaddr *)&address, len, host, sizeof(host), port, sizeof(port),
				  NI_NUMERICHOST | NI_NUMERICSERV); /* for display; empty on failure */
	snprintf(shown, LISTEN_TEXT_MAX, strchr(host, ':') ? "[%s]:%s" : "%s:%s", host, port);
}

static enum rc open_at(const char *address, int backlog, int *ret_fd, struct error *err)
{
	char host[HOST_MAX];
	const char *port;
	int fd = -1;
	enum rc rc = RC_OK;

	if (!split_address(address, host, &port))
		return error_set(err, RC_INVALID_ARGUMENT, "'%s' is not host:port", address);
	if (host[0] == '\0')
		fd = bind_to_all(htons((in_port_t)strtoul(port, NULL, 10)), backlog);
	else
		rc = bind_to_host(host, port, backlog, &fd, err);
	if (rc)
		return rc;
	if (fd < 0)
		return error_set(err, errno == EADDRINUSE ? RC_UNAVAILABLE : RC_INVALID_ARGUMENT, "listen on %s: %s",
				 address, error_errno_text(errno));
	*ret_fd = fd;
	return RC_OK;
}

enum rc listen_open(const char *variable, const char *address, int backlog, int *ret_fd, char shown[LISTEN_TEXT_MAX],
		    struct error *err)
{
	enum rc rc = open_at(address, backlog, ret_fd, err);

	if (rc)
		return error_wrap(err, rc, "%s", variable);
	show_address(*ret_fd, shown);
	return RC_OK;
}

bool listen_is_ipv6(int fd)
{
	struct sockaddr_storage address = { .ss_family = AF_INET };
	socklen_t len = sizeof(address);

	return getsockname(fd, (struct sockaddr *)&address, &len) == 0 && address.ss_family == AF_INET6;
}

void listen_check(const char *variable, const char *address, struct buf *faults)
{
	char shown[LISTEN_TEXT_MAX];
	struct error err;
	enum rc rc;
	int fd;

	rc = listen_open(variable, address, 0, &fd, shown, &err);
	if (!rc)
		close(fd);
	else if (rc != RC_UNAVAILABLE)
		buf_addf(faults, "%s\n", err.text);
}
