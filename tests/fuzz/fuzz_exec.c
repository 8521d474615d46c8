/*
 * The input while a command runs: the first byte selects the sender, and how the input is split. From a client
 * (WebSocket frames), from Kubernetes (the same, not masked), from a worker (frames of the bus). The output does not
 * depend on how it is split, unless it is rejected: libwslay detects invalid UTF-8 in a close frame earlier or later.
 */
#include <string.h>

#include "api-svc/exec_framing.h"
#include "common/adapters/websocket.h"
#include "common/exec_channel.h"
#include "tests/fuzz/fuzz.h"

#define TAKEN_MAX (4u * 1024 * 1024)
#define INPUT_MAX (64u * 1024)

/* The received data of each channel, and a mark where the channel changes. */
struct taken {
	struct buf text;
	unsigned last;
	struct exec_reader reader;
	bool broken;
};

static void take(void *ctx, unsigned channel, const char *data, size_t len)
{
	struct taken *taken = ctx;

	FUZZ_CHECK(channel <= 255 && (channel <= EXEC_STDERR || len <= EXEC_CONTROL_MAX));
	if (channel != taken->last || channel > EXEC_STDERR)
		buf_addf(&taken->text, "<%u>", channel);
	buf_add(&taken->text, data, len);
	taken->last = channel;
}

static void take_piece(void *ctx, const struct websocket_piece *piece)
{
	struct taken *taken = ctx;
	struct error err = { .rc = RC_OK };

	if (taken->broken)
		return;
	taken->broken = exec_reader_message(&taken->reader, piece->bytes, piece->len, piece->begins, piece->ends,
					    &err) != RC_OK;
	FUZZ_CHECK(taken->broken == (err.rc != RC_OK));
}

/* False: it was rejected. */
static bool of_client(const char *bytes, size_t len, size_t step, struct taken *taken)
{
	const struct exec_handshake handshake = { true, "13", "AAECAwQFBgcICQoLDA0ODw==", EXEC_PROTOCOL_V5 };
	struct buf up = buf_make(TAKEN_MAX);
	struct buf down = buf_make(TAKEN_MAX);
	struct exec_framing *framing;
	enum tunnel_next next = TUNNEL_GOES_ON;
	struct tunnel_framing t;

	FUZZ_CHECK(exec_framing_create(&handshake, &framing, NULL) == RC_OK);
	t = exec_framing_for(framing);
	for (size_t at = 0; at < len && next == TUNNEL_GOES_ON; at += step)
		next = t.from_client(t.ctx, bytes + at, len - at < step ? len - at : step, &up, &down);
	FUZZ_CHECK(!up.failed && !down.failed && up.len <= 5 * len); /* a frame for each byte */
	FUZZ_CHECK(exec_reader_frames(&taken->reader, up.data, up.len, NULL) == RC_OK);
	exec_framing_destroy(framing);
	buf_clear(&up);
	buf_clear(&down);
	return next == TUNNEL_GOES_ON;
}

static bool of_kubernetes(const char *bytes, size_t len, size_t step, struct taken *taken)
{
	struct buf out = buf_make(TAKEN_MAX);
	struct websocket *websocket;
	bool good = true;

	FUZZ_CHECK(websocket_create(WEBSOCKET_CLIENT, take_piece, taken, &websocket, NULL) == RC_OK);
	for (size_t at = 0; at < len && good; at += step)
		good = websocket_receive(websocket, bytes + at, len - at < step ? len - at : step, &out);
	FUZZ_CHECK(!out.failed);
	websocket_destroy(websocket);
	buf_clear(&out);
	return good && !taken->broken;
}

static bool of_worker(const char *bytes, size_t len, size_t step, struct taken *taken)
{
	bool good = true;

	for (size_t at = 0; at < len && good; at += step)
		good = exec_reader_frames(&taken->reader, bytes + at, len - at < step ? len - at : step, NULL) == RC_OK;
	return good;
}

static bool (*const sources[])(const char *bytes, size_t len, size_t step, struct taken *taken) = {
	of_client,
	of_kubernetes,
	of_worker,
};

static bool run(uint8_t how, const char *bytes, size_t len, size_t step, struct taken *taken)
{
	*taken = (struct taken){ .text = buf_make(TAKEN_MAX), .last = 999 };
	taken->reader = exec_reader_make(take, taken);
	return sources[how % ARRAY_LEN(sources)](bytes, len, step, taken);
}

static void clear(struct taken *taken)
{
	exec_reader_clear(&taken->reader);
	buf_clear(&taken->text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *bytes = (const char *)data + 1;
	struct taken whole;
	struct taken cut;
	bool good;

	if (size < 2 || size > INPUT_MAX)
		return 0;
	good = run(data[0], bytes, size - 1, size, &whole);
	good = run(data[0], bytes, size - 1, data[0] / 3u % 16u + 1, &cut) && good;
	if (good)
		FUZZ_CHECK(whole.text.len == cut.text.len && memcmp(whole.text.data, cut.text.data, cut.text.len) == 0);
	clear(&whole);
	clear(&cut);
	return 0;
}
