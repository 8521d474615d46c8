#include "common/container/debt.h"

#include <string.h>

#include "common/base/strutil.h"
#include "common/bus/bus.h"
#include "common/protocol.h"
#include "common/services/json_write.h"

#define KEY_PREFIX "owed."
#define KEY_CHARACTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"
#define UID_MAX 36 /* bytes */
#define UID_CHARACTERS KEY_CHARACTERS
#define DIGEST_MAX 64 /* bytes */
#define DIGEST_CHARACTERS "0123456789abcdef"

static const char *const state_names[] = {
	[DEBT_OWED] = "owed",
	[DEBT_SETTLED] = "settled",
	[DEBT_VOID] = "void",
};

void debt_key(const char *token, char out[DEBT_KEY_MAX])
{
	char encoded[DEBT_KEY_MAX - sizeof(KEY_PREFIX)];

	protocol_write_token(token, encoded, sizeof(encoded));
	snprintf(out, DEBT_KEY_MAX, KEY_PREFIX "%s", encoded);
}

bool debt_is_key(const char *text)
{
	size_t prefix = strlen(KEY_PREFIX);
	size_t len = text ? strlen(text) : 0;

	return len > prefix && len < DEBT_KEY_MAX && str_has_prefix(text, KEY_PREFIX) &&
	       strspn(text + prefix, KEY_CHARACTERS) == len - prefix;
}

bool debt_read_reference(const char *text, uint64_t *ret_sequence, char key[DEBT_KEY_MAX])
{
	char number[24];
	const char *space = text ? strchr(text, ' ') : NULL;
	size_t len = space ? (size_t)(space - text) : 0;
	int64_t sequence;

	if (len == 0 || len >= sizeof(number))
		return false;
	snprintf(number, sizeof(number), "%.*s", (int)len, text);
	if (!str_parse_int64(number, &sequence) || sequence <= 0 || !debt_is_key(space + 1))
		return false;
	*ret_sequence = (uint64_t)sequence;
	snprintf(key, DEBT_KEY_MAX, "%s", space + 1);
	return true;
}

static void write_given(struct json_writer *w, const char *name, const char *value)
{
	if (value && value[0])
		json_string(w, name, value);
}

void debt_write(const struct debt *debt, struct buf *out)
{
	struct json_writer w = json_writer_make(out);

	json_begin_object(&w, NULL);
	json_string(&w, "state", state_names[debt->state]);
	json_string(&w, "id", debt->id);
	write_given(&w, "uid", debt->uid);
	write_given(&w, "caller", debt->caller);
	write_given(&w, "digest", debt->digest);
	if (debt->left_ms)
		json_int(&w, "left_ms", debt->left_ms);
	json_end_object(&w);
}

static bool read_state(const char *name, enum debt_state *ret_state)
{
	for (size_t i = 0; name && i < ARRAY_LEN(state_names); i++) {
		if (strcmp(state_names[i], name) == 0) {
			*ret_state = (enum debt_state)i;
			return true;
		}
	}
	return false;
}

static const char *text_or_empty(const cJSON *tree, const char *name)
{
	const char *text = json_string_at(tree, name);

	return text ? text : "";
}

static bool is_of(const char *text, size_t max, const char *characters)
{
	size_t len = strlen(text);

	return len <= max && strspn(text, characters) == len;
}

static int64_t within(int64_t value, int64_t min, int64_t max)
{
	return value < min ? min : value > max ? max : value;
}

enum rc debt_read(const char *text, size_t len, cJSON **ret_tree, struct debt *ret_debt, struct error *err)
{
	cleanup_json cJSON *tree = NULL;
	struct debt debt = { 0 };
	enum rc rc = json_parse(text, len, &tree, err);

	if (rc)
		return rc;
	debt.id = text_or_empty(tree, "id");
	debt.uid = text_or_empty(tree, "uid");
	debt.caller = text_or_empty(tree, "caller");
	debt.digest = text_or_empty(tree, "digest");
	debt.left_ms = within(json_int_at(tree, "left_ms", 0), 0, PROTOCOL_DEADLINE_MAX_MS);
	if (!protocol_is_id(debt.id) || !read_state(json_string_at(tree, "state"), &debt.state))
		return error_set(err, RC_INVALID_ARGUMENT, "a debt record without id or state");
	if (!is_of(debt.uid, UID_MAX, UID_CHARACTERS) || !is_of(debt.digest, DIGEST_MAX, DIGEST_CHARACTERS) ||
	    (debt.caller[0] && !bus_is_inbox(debt.caller)))
		return error_set(err, RC_INVALID_ARGUMENT, "a debt record with an invalid uid, digest or caller");
	*ret_debt = debt;
	*ret_tree = TAKE(tree);
	return RC_OK;
}
