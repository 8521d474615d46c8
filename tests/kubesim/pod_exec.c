#include "tests/kubesim/pod_exec.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/adapters/websocket.h"
#include "common/base/strutil.h"
#include "common/exec_channel.h"
#include "tests/kubesim/status.h"

#define BLOCK 16384
#define OUT_MAX (1024u * 1024)
#define POLL_MS 100       /* poll interval for shutdown */
#define COMMAND_MAX 16384 /* bytes of a command to print */

struct session {
	struct sim_http *http;
	struct websocket *websocket;
	struct exec_reader reader;
	struct buf out;
	struct buf command;
	char accept[WEBSOCKET_KEY_MAX];
	const char *protocol;
	bool tty, has_stdin;
	bool over; /* the command has ended */
};

/* ---- the session ------------------------------------------------------------------------------------------------- */

static void end_command(struct session *s)
{
	static const char success[] = "{\"metadata\":{},\"status\":\"Success\"}";

	if (s->over)
		return;
	s->over = true;
	websocket_send(s->websocket, EXEC_STATUS, success, strlen(success), &s->out);
	websocket_close(s->websocket, WEBSOCKET_NORMAL, "", &s->out);
}

/* Echo of a terminal, with its line ends. */
static void on_data(void *ctx, unsigned channel, const char *data, size_t len)
{
	struct session *s = ctx;

	if (channel == EXEC_STDIN && s->has_stdin && !s->over)
		websocket_send(s->websocket, EXEC_STDOUT, data, len, &s->out);
	if (channel == EXEC_CLOSE && str_equal(s->protocol, EXEC_PROTOCOL_V5) && len == 1 && *data == EXEC_STDIN)
		end_command(s);
}

static void on_piece(void *ctx, const struct websocket_piece *piece)
{
	struct session *s = ctx;

	if (exec_reader_message(&s->reader, piece->bytes, piece->len, piece->begins, piece->ends, NULL))
		end_command(s);
}

static void begin_command(struct session *s)
{
	struct buf said cleanup_buf = buf_make(COMMAND_MAX + 200);

	websocket_send(s->websocket, EXEC_STDOUT, "", 0, &s->out);
	buf_addf(&said, "kubesim is a simulator and runs nothing; this was asked for:%s%s", s->command.data,
		 s->tty ? "\r\n" : "\n");
	websocket_send(s->websocket, s->tty ? EXEC_STDOUT : EXEC_STDERR, said.data, said.len, &s->out);
	if (!s->has_stdin)
		end_command(s);
}

static bool wait_for(const struct session *s, int fd, short events)
{
	struct pollfd p = { .fd = fd, .events = events };

	while (!sim_http_stopping(s->http)) {
		int count = poll(&p, 1, POLL_MS);

		if (count != 0)
			return count > 0 || errno == EINTR;
	}
	return false;
}

static bool send_out(struct session *s, int fd)
{
	while (s->out.len) {
		ssize_t sent = send(fd, s->out.data, s->out.len, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (sent > 0)
			buf_consume(&s->out, (size_t)sent);
		else if ((errno != EAGAIN && errno != EINTR) || !wait_for(s, fd, POLLOUT))
			return false;
	}
	return !s->out.failed;
}

/* On its own thread. */
static void run(void *ctx, int fd, const char *early, size_t len)
{
	struct session *s = ctx;
	char block[BLOCK];
	bool open = true;

	begin_command(s);
	if (len)
		open = websocket_receive(s->websocket, early, len, &s->out);
	while (send_out(s, fd) && open && wait_for(s, fd, POLLIN)) {
		ssize_t got = recv(fd, block, sizeof(block), MSG_DONTWAIT);

		if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR))
			break;
		if (got > 0)
			open = websocket_receive(s->websocket, block, (size_t)got, &s->out);
	}
	(void)send_out(s, fd); /* final message; the peer may have disconnected */
}

static void destroy(void *ctx)
{
	struct session *s = ctx;

	websocket_destroy(s->websocket);
	exec_reader_clear(&s->reader);
	buf_clear(&s->out);
	buf_clear(&s->command);
	free(s);
}

/* ---- handshake --------------------------------------------------------------------------------------------------- */

static bool is_upgrade(const struct sim_request *rq)
{
	const char *upgrade = sim_request_header(rq, "Upgrade");

	return upgrade && strcasecmp(upgrade, "websocket") == 0 &&
	       websocket_is_key(sim_request_header(rq, "Sec-WebSocket-Key"));
}

static const char *known_protocol(const char *asked)
{
	if (str_equal(asked, EXEC_PROTOCOL_V5))
		return EXEC_PROTOCOL_V5;
	return str_equal(asked, EXEC_PROTOCOL_V4) ? EXEC_PROTOCOL_V4 : NULL;
}

/* Whether the named container exists. If not, the response is set. */
static bool check_container(const struct sim_target *t, const struct sim_request *rq, const cJSON *pod,
			    struct sim_response *rs)
{
	const char *asked = sim_request_query(rq, "container");
	const cJSON *item = NULL;
	char message[2 * SIM_NAME_MAX + 128];

	if (!asked)
		return true;
	cJSON_ArrayForEach (item, json_at(pod, "spec.containers"))
		if (str_equal(json_string_at(item, "name"), asked))
			return true;
	snprintf(message, sizeof(message), "container %s is not valid for pod %s", asked, t->name);
	sim_answer_bad_request(rs, message);
	return false;
}

static void add_word(void *ctx, const char *word)
{
	struct session *s = ctx;

	if (s->command.len < COMMAND_MAX)
		buf_addf(&s->command, " %.*s", (int)(COMMAND_MAX - s->command.len), word);
}

static struct session *make_session(struct sim_request *rq, const char *protocol)
{
	struct session *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->http = rq->http;
	s->protocol = protocol;
	s->out = buf_make(OUT_MAX);
	s->command = buf_make(COMMAND_MAX + 1);
	s->reader = exec_reader_make(on_data, s);
	s->tty = sim_request_flag(rq, "tty");
	s->has_stdin = sim_request_flag(rq, "stdin");
	sim_request_each_query(rq, "command", add_word, s);
	if (websocket_create(WEBSOCKET_SERVER, on_piece, s, &s->websocket, NULL) ||
	    !websocket_accept(sim_request_header(rq, "Sec-WebSocket-Key"), s->accept)) {
		destroy(s);
		return NULL;
	}
	return s;
}

void sim_pod_exec(struct sim *sim, const struct sim_target *t, struct sim_request *rq, struct sim_response *rs)
{
	cleanup_object struct sim_object *pod = sim_store_get(sim->store, t->kind, t->ns, t->name);
	cleanup_json cJSON *tree = pod ? sim_object_tree(pod) : NULL;
	const char *protocol = known_protocol(sim_request_header(rq, "Sec-WebSocket-Protocol"));
	struct session *s;

	if (!tree) {
		sim_answer_not_found(rs, t->kind, t->name);
		return;
	}
	if (!check_container(t, rq, tree, rs))
		return;
	if (!is_upgrade(rq)) {
		sim_answer_bad_request(rs, "Upgrade request required");
		return;
	}
	if (!sim_request_header(rq, "Sec-WebSocket-Protocol") || !sim_request_query(rq, "command")) {
		sim_answer_refused(rs, "exec without a subprotocol, or a command");
		return;
	}
	s = protocol ? make_session(rq, protocol) : NULL;
	rs->status = s ? 101 : protocol ? 500 : 403;
	if (s)
		rs->upgrade = (struct sim_upgrade){ run, destroy, s, s->accept, protocol };
}
