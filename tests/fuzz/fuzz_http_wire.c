/*
 * The bytes of a connection: the output does not depend on how they are split, and is well-formed, so that processing
 * it again changes nothing. Upgrades are refused: the kept bytes belong to the next request.
 */
#include <string.h>

#include "api-svc/http/http_wire.h"
#include "tests/fuzz/fuzz.h"

#define MAX_BODY 4096

static void take_all(struct http_wire *wire, size_t step, struct buf *out)
{
	char part[512];
	size_t got;

	while ((got = http_wire_take(wire, part, step < sizeof(part) ? step : sizeof(part))) > 0)
		buf_add(out, part, got);
}

/* `step`: bytes per call. */
static void read_all(const char *text, size_t len, size_t step, struct http_wire *wire, struct buf *out)
{
	*wire = http_wire_make(MAX_BODY);
	for (size_t at = 0; at < len; at += step) {
		http_wire_add(wire, text + at, len - at < step ? len - at : step);
		take_all(wire, step, out);
		while (http_wire_is_kept(wire)) {
			http_wire_go_on(wire);
			take_all(wire, step, out);
		}
	}
}

static void check_equal(const struct buf *a, const struct buf *b)
{
	FUZZ_CHECK(a->len == b->len && memcmp(a->data, b->data, a->len) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf whole cleanup_buf = buf_make(2 * size + 2 * MAX_BODY);
	struct buf pieces cleanup_buf = buf_make(2 * size + 2 * MAX_BODY);
	struct buf again cleanup_buf = buf_make(2 * size + 4 * MAX_BODY);
	struct http_wire wires[3];

	if (size == 0)
		return 0;
	read_all((const char *)data, size, size, &wires[0], &whole);
	read_all((const char *)data, size, 1 + data[0] % 7, &wires[1], &pieces);
	check_equal(&whole, &pieces);
	FUZZ_CHECK(wires[0].framing.fault.status == wires[1].framing.fault.status);
	FUZZ_CHECK(wires[0].number == wires[1].number);
	if (whole.len > 0) {
		read_all(whole.data, whole.len, whole.len, &wires[2], &again);
		check_equal(&whole, &again);
		FUZZ_CHECK(wires[2].framing.fault.status == 0);
		http_wire_clear(&wires[2]);
	}
	http_wire_clear(&wires[0]);
	http_wire_clear(&wires[1]);
	return 0;
}
