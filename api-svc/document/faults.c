#include "api-svc/document/faults.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/strutil.h"

/* Bytes of an error as JSON, with every byte escaped as \\uXXXX. */
#define FAULT_JSON_MAX (6 * (FAULT_DETAIL_MAX + FAULT_POINTER_MAX) + 64)

void faults_clear(struct faults *f)
{
	for (size_t i = 0; i < f->count; i++) {
		free(f->items[i].detail);
		free(f->items[i].pointer);
	}
	*f = (struct faults){ .count = 0 };
}

static bool is_known(const struct faults *f, const char *pointer, const char *detail)
{
	for (size_t i = 0; i < f->count; i++)
		if (strcmp(f->items[i].pointer, pointer) == 0 && strcmp(f->items[i].detail, detail) == 0)
			return true;
	return false;
}

void faults_add(struct faults *f, const char *pointer, const char *fmt, ...)
{
	char detail[FAULT_DETAIL_MAX];
	struct fault fault;
	va_list args;

	va_start(args, fmt);
	vsnprintf(detail, sizeof(detail), fmt, args);
	va_end(args);
	str_trim_broken_utf8(detail);
	if (is_known(f, pointer, detail))
		return;
	if (f->count == FAULTS_MAX) {
		f->dropped++;
		return;
	}
	fault = (struct fault){ .detail = str_dup(detail), .pointer = strndup(pointer, FAULT_POINTER_MAX - 1) };
	if (!fault.detail || !fault.pointer) {
		free(fault.detail);
		free(fault.pointer);
		f->no_memory = true;
		return;
	}
	str_trim_broken_utf8(fault.pointer);
	f->items[f->count++] = fault;
}

bool faults_any(const struct faults *f)
{
	return f->count > 0 || f->no_memory;
}

void faults_summary(const struct faults *f, struct buf *out)
{
	size_t more = f->count + f->dropped - 1;

	if (f->count == 0)
		return;
	if (f->items[0].pointer[0] != '\0')
		buf_addf(out, "%s: ", f->items[0].pointer);
	buf_add_str(out, f->items[0].detail);
	if (more > 0)
		buf_addf(out, "; and %zu more %s", more, more == 1 ? "error" : "errors");
}

static void write_one(struct json_writer *w, const char *detail, const char *pointer)
{
	json_begin_object(w, NULL);
	json_string(w, "detail", detail);
	json_string(w, "pointer", pointer);
	json_end_object(w);
}

void faults_write(const struct faults *f, struct json_writer *w, const char *key, size_t max)
{
	char rest[64];
	size_t i = 0;

	json_begin_array(w, key);
	for (; i < f->count && w->out->len + FAULT_JSON_MAX <= max; i++)
		write_one(w, f->items[i].detail, f->items[i].pointer);
	if (i < f->count) {
		snprintf(rest, sizeof(rest), "%zu more errors omitted", f->count - i + f->dropped);
		write_one(w, rest, "");
	}
	json_end_array(w);
}

void faults_strip_prefix(struct faults *f, const char *prefix)
{
	size_t len = strlen(prefix);

	for (size_t i = 0; i < f->count; i++) {
		char *pointer = f->items[i].pointer;

		if (str_has_prefix(pointer, prefix))
			memmove(pointer, pointer + len, strlen(pointer + len) + 1);
	}
}

/* ---- pointers ---------------------------------------------------------------------------------------------------- */

void fault_pointer_add_name(struct buf *pointer, const char *name)
{
	buf_add_char(pointer, '/');
	for (; *name; name++) {
		if (*name == '~')
			buf_add_str(pointer, "~0");
		else if (*name == '/')
			buf_add_str(pointer, "~1");
		else
			buf_add_char(pointer, *name);
	}
}

void fault_pointer_add_index(struct buf *pointer, size_t index)
{
	buf_addf(pointer, "/%zu", index);
}
