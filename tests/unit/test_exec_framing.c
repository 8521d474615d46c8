#include <criterion/criterion.h>
#include <string.h>

#include "api-svc/exec_framing.h"
#include "common/base/strutil.h"
#include "common/exec_channel.h"

#define KEY "AAECAwQFBgcICQoLDA0ODw=="
#define MASK "\0\0\0\0"

static const struct exec_handshake good = {
	.wanted = true,
	.version = "13",
	.key = KEY,
	.subprotocols = "chat, " EXEC_PROTOCOL_V4 ",\t" EXEC_PROTOCOL_V5,
};

static struct exec_handshake with(const char *subprotocols)
{
	struct exec_handshake h = good;

	snprintf(h.subprotocols, sizeof(h.subprotocols), "%s", subprotocols);
	return h;
}

Test(exec_framing, subprotocols_are_matched_exactly)
{
	static const struct {
		const char *offered;
		const char *chosen; /* NULL: none */
	} cases[] = {
		{ "v4.channel.k8s.io", EXEC_PROTOCOL_V4 },
		{ "v5.channel.k8s.io", EXEC_PROTOCOL_V5 },
		{ "v4.channel.k8s.io,v5.channel.k8s.io", EXEC_PROTOCOL_V5 },
		{ " v4.channel.k8s.io ,x", EXEC_PROTOCOL_V4 },
		{ "v5.channel.k8s.iox", NULL },
		{ "xv5.channel.k8s.io", NULL },
		{ "base64.channel.k8s.io", NULL },
		{ "", NULL },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct exec_handshake h = with(cases[i].offered);
		struct exec_framing *framing = NULL;
		struct http_upgrade upgrade = { .protocol = "websocket" };
		enum rc rc = exec_framing_create(&h, &framing, NULL);

		cr_expect_eq(rc, cases[i].chosen ? RC_OK : RC_INVALID_ARGUMENT, "%zu", i);
		if (rc)
			continue;
		exec_framing_fill(framing, &upgrade);
		cr_expect_str_eq(upgrade.subprotocol, cases[i].chosen);
		cr_expect_str_eq(upgrade.accept, "Bz3qJYTGdOe8gUSpLosEdiLKDrk=");
		exec_framing_destroy(framing);
	}
}

/* At second at_s: whether it reads from the client, and whether it sends a ping; the client answers none. */
static const struct {
	int64_t at_s;
	bool listens;
	bool speaks; /* the client sends a pong before */
	bool ping;
	enum tunnel_next next;
} beats[] = {
	{ 1, true, false, false, TUNNEL_GOES_ON },    { 15, true, false, false, TUNNEL_GOES_ON },
	{ 16, true, false, true, TUNNEL_GOES_ON },    { 30, true, false, false, TUNNEL_GOES_ON },
	{ 31, true, false, true, TUNNEL_GOES_ON },    { 45, true, true, false, TUNNEL_GOES_ON },
	{ 60, true, false, true, TUNNEL_GOES_ON },    { 75, true, false, true, TUNNEL_GOES_ON },
	{ 89, true, false, false, TUNNEL_GOES_ON },   { 89, false, false, false, TUNNEL_GOES_ON }, /* it reads slowly */
	{ 900, false, false, false, TUNNEL_GOES_ON }, { 914, true, false, false, TUNNEL_GOES_ON },
	{ 915, true, false, false, TUNNEL_OVER },
};

Test(exec_framing, a_client_without_a_pong_is_dropped)
{
	struct exec_framing *framing;
	struct tunnel_framing t;

	cr_assert_eq(exec_framing_create(&good, &framing, NULL), RC_OK);
	t = exec_framing_for(framing);
	for (size_t i = 0; i < ARRAY_LEN(beats); i++) {
		struct buf up cleanup_buf = buf_make(1000);
		struct buf down cleanup_buf = buf_make(1000);

		if (beats[i].speaks)
			cr_expect_eq(t.from_client(t.ctx, "\x8a\x80" MASK, 6, &up, &down), TUNNEL_GOES_ON);
		cr_expect_eq(t.beat(t.ctx, beats[i].at_s * 1000, beats[i].listens, &down), beats[i].next, "%zu", i);
		cr_expect(beats[i].ping ? down.len == 2 && memcmp(down.data, "\x89\0", 2) == 0 : down.len == 0, "%zu",
			  i);
	}
	exec_framing_destroy(framing);
}

/* Messages of a client, and the resulting frames. */
static const struct {
	const char *what;
	const char *subprotocol;
	const char *bytes;
	size_t len;
	const char *frames;
	size_t frames_len;
	enum tunnel_next next;
} messages[] = {
	{ "stdin", EXEC_PROTOCOL_V5, "\x82\x83" MASK "\0ab", 9, "\0\0\0\2ab", 6, TUNNEL_GOES_ON },
	{ "stdin as text", EXEC_PROTOCOL_V4, "\x81\x83" MASK "\0ab", 9, "\0\0\0\2ab", 6, TUNNEL_GOES_ON },
	{ "empty stdin", EXEC_PROTOCOL_V5, "\x82\x81" MASK "\0", 7, "", 0, TUNNEL_GOES_ON },
	{ "a resize", EXEC_PROTOCOL_V5, "\x82\x83" MASK "\4{}", 9, "\4\0\0\2{}", 6, TUNNEL_GOES_ON },
	{ "the end of stdin", EXEC_PROTOCOL_V5, "\x82\x82" MASK "\xff\0", 8, "\xff\0\0\1\0", 5, TUNNEL_GOES_ON },
	{ "the end of another", EXEC_PROTOCOL_V5, "\x82\x82" MASK "\xff\1", 8, "", 0, TUNNEL_GOES_ON },
	{ "the end of stdin in v4", EXEC_PROTOCOL_V4, "\x82\x82" MASK "\xff\0", 8, "", 0, TUNNEL_CLOSES },
	{ "our channel", EXEC_PROTOCOL_V5, "\x82\x82" MASK "\1a", 8, "", 0, TUNNEL_CLOSES },
	{ "an unknown channel", EXEC_PROTOCOL_V5, "\x82\x82" MASK "\5a", 8, "", 0, TUNNEL_CLOSES },
	{ "unmasked", EXEC_PROTOCOL_V5, "\x82\x02\0a", 4, "", 0, TUNNEL_CLOSES },
	{ "a close", EXEC_PROTOCOL_V5, "\x88\x82" MASK "\3\xe8", 8, "", 0, TUNNEL_OVER },
};

Test(exec_framing, messages_of_a_client_become_frames)
{
	for (size_t i = 0; i < ARRAY_LEN(messages); i++) {
		struct exec_handshake h = with(messages[i].subprotocol);
		struct buf up cleanup_buf = buf_make(1000);
		struct buf down cleanup_buf = buf_make(1000);
		struct exec_framing *framing;
		struct tunnel_framing t;

		cr_assert_eq(exec_framing_create(&h, &framing, NULL), RC_OK);
		t = exec_framing_for(framing);
		cr_expect_eq(t.from_client(t.ctx, messages[i].bytes, messages[i].len, &up, &down), messages[i].next,
			     "%s", messages[i].what);
		cr_expect(up.len == messages[i].frames_len && memcmp(up.data, messages[i].frames, up.len) == 0, "%s",
			  messages[i].what);
		cr_expect_eq(down.len > 0, messages[i].next != TUNNEL_GOES_ON, "%s", messages[i].what);
		exec_framing_destroy(framing);
	}
}

Test(exec_framing, a_client_gets_the_whole_stream_and_the_reason_of_its_end)
{
	struct buf frames cleanup_buf = buf_make(1000);
	struct buf down cleanup_buf = buf_make(4000);
	struct exec_framing *framing;
	struct tunnel_framing t;
	struct error why;

	cr_assert_eq(exec_framing_create(&good, &framing, NULL), RC_OK);
	t = exec_framing_for(framing);
	exec_frame_add(&frames, EXEC_STDOUT, "ab", 2);
	exec_frame_add(&frames, EXEC_STDERR, "c", 1);
	cr_expect_eq(t.from_stream(t.ctx, frames.data, 5, &down), TUNNEL_GOES_ON);
	cr_expect_eq(t.from_stream(t.ctx, frames.data + 5, frames.len - 5, &down), TUNNEL_GOES_ON);
	cr_expect(down.len == 12 && memcmp(down.data, "\x82\2\1a\x82\2\1b\x82\2\2c", 12) == 0, "%zu", down.len);
	buf_reset(&down);
	error_set(&why, RC_UNAVAILABLE, "gone");
	t.end(t.ctx, &why, &down);
	cr_expect(strstr(down.data + 3, "\"status\":\"Failure\",\"message\":\"gone\""), "%s", down.data);
	cr_expect_eq(memcmp(down.data + down.len - 8, "\x88\6\3\xf3gone", 8), 0);
	exec_framing_destroy(framing);
}

Test(exec_framing, a_status_is_sent_once)
{
	struct buf frames cleanup_buf = buf_make(1000);
	struct buf down cleanup_buf = buf_make(4000);
	struct exec_framing *framing;
	struct tunnel_framing t;
	struct error why = { .rc = RC_OK };

	cr_assert_eq(exec_framing_create(&good, &framing, NULL), RC_OK);
	t = exec_framing_for(framing);
	exec_frame_add(&frames, EXEC_STATUS, "{}", 2);
	cr_expect_eq(t.from_stream(t.ctx, frames.data, frames.len, &down), TUNNEL_GOES_ON);
	t.end(t.ctx, &why, &down);
	cr_expect(down.len == 9 && memcmp(down.data, "\x82\3\3{}\x88\2\3\xe8", 9) == 0, "%zu", down.len);
	exec_framing_destroy(framing);
	cr_assert_eq(exec_framing_create(&good, &framing, NULL), RC_OK);
	t = exec_framing_for(framing);
	buf_reset(&down);
	cr_expect_eq(t.from_stream(t.ctx, "\1\xff\xff\xff", 4, &down), TUNNEL_CLOSES);
	cr_expect(strstr(down.data + 3, "Failure"));
	exec_framing_destroy(framing);
}
