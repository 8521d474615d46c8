#include <criterion/criterion.h>
#include <string.h>

#include "common/adapters/websocket.h"
#include "common/base/strutil.h"

/* The received bytes, with "<" before and ">" after each message. */
static void take(void *ctx, const struct websocket_piece *piece)
{
	struct buf *taken = ctx;

	if (piece->begins)
		buf_add_char(taken, '<');
	buf_add(taken, piece->bytes, piece->len);
	if (piece->ends)
		buf_add_char(taken, '>');
}

Test(websocket, the_handshake_matches_the_rfc)
{
	char accept[WEBSOCKET_KEY_MAX];
	char key[WEBSOCKET_KEY_MAX];
	char other[WEBSOCKET_KEY_MAX];

	cr_assert(websocket_accept("dGhlIHNhbXBsZSBub25jZQ==", accept)); /* section 1.3 */
	cr_expect_str_eq(accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
	cr_assert(websocket_make_key(key) && websocket_make_key(other));
	cr_expect(websocket_is_key(key) && strcmp(key, other) != 0);
}

Test(websocket, keys_are_16_bytes_in_base64)
{
	static const char *const wrong[] = { "",
					     "AAAA",
					     "AAECAwQFBgcICQoLDA0ODw=",
					     "AAECAwQFBgcICQoLDA0ODxA=",
					     "!!!!!!!!!!!!!!!!!!!!!!==",
					     "AAECAwQFBgcICQoLDA0ODw== " };

	cr_expect(websocket_is_key("AAECAwQFBgcICQoLDA0ODw=="));
	cr_expect_not(websocket_is_key(NULL));
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
		cr_expect_not(websocket_is_key(wrong[i]), "%s", wrong[i]);
}

/* Two connected ends. */
struct pair {
	struct websocket *client, *server;
	struct buf of_client, of_server; /* received by them */
	struct buf up, down;             /* not yet delivered */
};

static void begin(struct pair *p)
{
	*p = (struct pair){ .of_client = buf_make(1 << 20),
			    .of_server = buf_make(1 << 20),
			    .up = buf_make(1 << 20),
			    .down = buf_make(1 << 20) };
	cr_assert_eq(websocket_create(WEBSOCKET_CLIENT, take, &p->of_client, &p->client, NULL), RC_OK);
	cr_assert_eq(websocket_create(WEBSOCKET_SERVER, take, &p->of_server, &p->server, NULL), RC_OK);
}

static void end(struct pair *p)
{
	websocket_destroy(p->client);
	websocket_destroy(p->server);
	buf_clear(&p->of_client);
	buf_clear(&p->of_server);
	buf_clear(&p->up);
	buf_clear(&p->down);
}

static bool carry_up(struct pair *p, size_t step)
{
	bool good = true;

	for (size_t at = 0; at < p->up.len; at += step)
		good = websocket_receive(p->server, p->up.data + at, p->up.len - at < step ? p->up.len - at : step,
					 &p->down) &&
		       good;
	buf_reset(&p->up);
	return good;
}

Test(websocket, messages_are_parsed_at_any_split)
{
	for (size_t step = 1; step < 40; step++) {
		struct pair p;

		begin(&p);
		websocket_send(p.client, 'a', "bc", 2, &p.up);
		websocket_send(p.client, 'd', NULL, 0, &p.up);
		cr_expect_not(strstr(p.up.data, "abc"), "frames of a client are masked");
		cr_expect(carry_up(&p, step));
		cr_expect_str_eq(p.of_server.data, "<abc><d>", "%zu: %s", step, p.of_server.data);
		cr_expect_eq(p.down.len, 0);
		websocket_send(p.server, 'x', "yz", 2, &p.down);
		cr_expect(websocket_receive(p.client, p.down.data, p.down.len, &p.up));
		cr_expect_str_eq(p.of_client.data, "<xyz>");
		end(&p);
	}
}

Test(websocket, a_message_above_the_limit_is_not_sent)
{
	static char data[WEBSOCKET_SEND_MAX + 1];
	struct pair p;

	begin(&p);
	websocket_send(p.server, 'a', data, WEBSOCKET_SEND_MAX, &p.down);
	cr_expect_eq(p.down.len, 1 + 1 + 2 + WEBSOCKET_SEND_MAX + 1); /* its length takes two bytes */
	websocket_send(p.server, 'a', data, WEBSOCKET_SEND_MAX + 1, &p.down);
	cr_expect_eq(p.down.failed, RC_TOO_LARGE);
	end(&p);
}

Test(websocket, a_close_is_answered_once_and_nothing_is_sent_after_it)
{
	struct pair p;

	begin(&p);
	websocket_close(p.server, WEBSOCKET_SERVER_FAULT, "enough", &p.down);
	websocket_close(p.server, WEBSOCKET_NORMAL, "again", &p.down);
	websocket_send(p.server, 'a', "b", 1, &p.down);
	cr_expect_eq(p.down.len, 2 + 2 + strlen("enough"));
	cr_expect_not(websocket_is_closed(p.client));
	cr_expect_not(websocket_receive(p.client, p.down.data, p.down.len, &p.up));
	cr_expect(websocket_is_closed(p.client));
	buf_reset(&p.down);
	websocket_send(p.client, 'a', "b", 1, &p.up); /* after its close frame */
	cr_expect_not(carry_up(&p, 1000));
	cr_expect(websocket_is_closed(p.server));
	cr_expect_eq(p.of_server.len, 0);
	cr_expect_eq(p.down.len, 0);
	end(&p);
}

Test(websocket, messages_after_our_close_are_ignored)
{
	struct pair p;

	begin(&p);
	websocket_send(p.client, 'a', "b", 1, &p.up);
	websocket_close(p.server, WEBSOCKET_NORMAL, "", &p.down);
	cr_expect(carry_up(&p, 1000));
	cr_expect_eq(p.of_server.len, 0);
	cr_expect_not(websocket_is_closed(p.server));
	end(&p);
}

Test(websocket, a_reason_is_truncated_at_a_character_boundary)
{
	struct pair p;
	char reason[200];

	memset(reason, 'x', sizeof(reason));
	memcpy(reason + 122, "\xc3\xa9", 3);
	begin(&p);
	websocket_close(p.server, WEBSOCKET_SERVER_FAULT, reason, &p.down);
	cr_expect_eq(p.down.len, 2 + 2 + 122);
	cr_expect_not(websocket_receive(p.client, p.down.data, p.down.len, &p.up));
	end(&p);
}

#define MASK "\0\0\0\0"
#define CLOSE_1002 "\x88\x02\x03\xea"
#define CLOSE_1007 "\x88\x02\x03\xef"

static const struct {
	const char *what;
	const char *bytes;
	size_t len;
	const char *taken;
	const char *answer; /* its first bytes */
	size_t answer_len;
	bool goes_on;
} frames[] = {
	{ "text", "\x81\x82" MASK "ab", 8, "<ab>", "", 0, true },
	{ "pieces around a ping", "\x02\x81" MASK "a\x89\x81" MASK "p\x80\x81" MASK "b", 21, "<ab>", "\x8a\x01p", 3,
	  true },
	{ "an empty message", "\x82\x80" MASK, 6, "<>", "", 0, true },
	{ "a pong", "\x8a\x81" MASK "p", 7, "", "", 0, true },
	{ "unmasked",
	  "\x82\x01"
	  "a",
	  3, "", "\x88\x02\x03\xea", 4, false },
	{ "a reserved bit", "\xc2\x81" MASK "a", 7, "", "\x88\x02\x03\xea", 4, false },
	{ "an unknown opcode", "\x83\x81" MASK "a", 7, "", "\x88\x02\x03\xea", 4, false },
	{ "a continuation of nothing", "\x80\x81" MASK "a", 7, "", "\x88\x02\x03\xea", 4, false },
	{ "invalid UTF-8", "\x81\x81" MASK "\xff", 7, "", "\x88\x02\x03\xef", 4, false },
	{ "a length that is not the shortest", "\x82\xfe\0\x01" MASK "a", 9, "", CLOSE_1002, 4, false },
	{ "too large", "\x82\xff\0\0\1\0\0\0\0\0" MASK "a", 15, "", "\x88\x02\x03\xf1", 4, false },
	{ "a close without a code", "\x88\x80" MASK, 6, "", "\x88\x00", 2, false },
	/* RFC 6455, section 5.5. */
	{ "a close with half a code", "\x88\x81" MASK "\3", 7, "", CLOSE_1002, 4, false },
	{ "a ping in pieces", "\x09\x81" MASK "a", 7, "", CLOSE_1002, 4, false },
	{ "a close in pieces", "\x08\x82" MASK "\3\xe8", 8, "", CLOSE_1002, 4, false },
	{ "a ping above the limit", "\x89\xfe\0\x7e" MASK, 8, "", CLOSE_1002, 4, false },
	{ "a reserved bit of a ping", "\xc9\x80" MASK, 6, "", CLOSE_1002, 4, false },
	{ "a ping within a message", "\x02\x80" MASK "\x89\x80" MASK "\x80\x80" MASK, 18, "<>", "\x8a\0", 2, true },
	{ "a message within another", "\x02\x80" MASK "\x82\x80" MASK, 12, "", CLOSE_1002, 4, false },
	{ "text that ends within a character", "\x81\x81" MASK "\xc3", 7, "<\xc3", CLOSE_1007, 4, false },
	{ "a character split between frames", "\x01\x81" MASK "\xc3\x80\x81" MASK "\xa9", 14, "<\xc3\xa9>", "", 0,
	  true },
	{ "a reason with invalid UTF-8", "\x88\x83" MASK "\3\xe8\xff", 9, "", CLOSE_1007, 4, false },
	{ "a reason that ends within a character", "\x88\x83" MASK "\3\xe8\xc3", 9, "", CLOSE_1007, 4, false },
	{ "a reason", "\x88\x84" MASK "\3\xe8ok", 10, "", "\x88\x04\x03\xe8ok", 6, false },
};

/* Section 7.4: codes allowed in a close frame are echoed, others are a protocol error. */
static const struct {
	unsigned code;
	bool good;
} codes[] = {
	{ 0, false },    { 999, false },  { 1000, true },  { 1001, true },  { 1002, true },
	{ 1003, true },  { 1004, false }, { 1005, false }, { 1006, false }, { 1007, true },
	{ 1008, true },  { 1009, true },  { 1010, true },  { 1011, true },  { 1015, false },
	{ 1016, false }, { 1100, false }, { 2000, false }, { 2999, false }, { 3000, true },
	{ 3999, true },  { 4000, true },  { 4999, true },  { 5000, false }, { 65535, false },
};

Test(websocket, close_codes_are_validated)
{
	for (size_t i = 0; i < ARRAY_LEN(codes); i++) {
		unsigned expected = codes[i].good ? codes[i].code : WEBSOCKET_PROTOCOL_ERROR;
		struct pair p;

		begin(&p);
		buf_add(&p.up, "\x88\x82" MASK, 6);
		buf_add_char(&p.up, (char)(codes[i].code >> 8));
		buf_add_char(&p.up, (char)(codes[i].code & 255));
		cr_expect_not(carry_up(&p, 1000));
		cr_assert_eq(p.down.len, 4, "%u", codes[i].code);
		cr_expect_eq((unsigned)(unsigned char)p.down.data[2] << 8 | (unsigned char)p.down.data[3], expected,
			     "%u", codes[i].code);
		end(&p);
	}
}

Test(websocket, pings_are_answered)
{
	struct pair p;

	begin(&p);
	websocket_ping(p.server, &p.down);
	cr_expect(websocket_receive(p.client, p.down.data, p.down.len, &p.up));
	cr_expect_eq(p.up.len, 6);
	buf_reset(&p.down);
	cr_expect(carry_up(&p, 1000));
	cr_expect(p.of_server.len == 0 && p.of_client.len == 0 && p.down.len == 0);
	end(&p);
}

Test(websocket, a_protocol_error_after_our_close_is_not_answered)
{
	struct pair p;

	begin(&p);
	websocket_close(p.server, WEBSOCKET_NORMAL, "", &p.down);
	buf_reset(&p.down);
	buf_add(&p.up, "\x09\x81" MASK "a", 7);
	cr_expect_not(carry_up(&p, 1000));
	cr_expect_eq(p.down.len, 0);
	end(&p);
}

Test(websocket, frames_of_a_client_are_parsed_or_rejected)
{
	for (size_t i = 0; i < ARRAY_LEN(frames); i++) {
		struct pair p;

		begin(&p);
		buf_add(&p.up, frames[i].bytes, frames[i].len);
		cr_expect_eq(carry_up(&p, 1000), frames[i].goes_on, "%s", frames[i].what);
		cr_expect_str_eq(p.of_server.data, frames[i].taken, "%s: %s", frames[i].what, p.of_server.data);
		cr_expect(p.down.len >= frames[i].answer_len &&
				  memcmp(p.down.data, frames[i].answer, frames[i].answer_len) == 0 &&
				  (p.down.len > 0) == (frames[i].answer_len > 0),
			  "%s", frames[i].what);
		end(&p);
	}
}

Test(websocket, masked_frames_of_a_server_are_a_protocol_error)
{
	struct pair p;

	begin(&p);
	cr_expect_not(websocket_receive(p.client, "\x82\x81" MASK "a", 7, &p.up));
	cr_expect_eq(p.of_client.len, 0);
	end(&p);
}
