#include "kube-worker/list/list_rows.h"

#include <stdlib.h>
#include <string.h>

#include "common/protocol.h"

struct list_rows list_rows_make(size_t text_max)
{
	return (struct list_rows){ .names = buf_make(2 * PROTOCOL_PAGE_BYTES), .text = buf_make(text_max) };
}

void list_rows_clear(struct list_rows *rows)
{
	free(rows->items);
	buf_clear(&rows->names);
	buf_clear(&rows->text);
	*rows = (struct list_rows){ .items = NULL };
}

struct list_rows_mark list_rows_mark(const struct list_rows *rows)
{
	return (struct list_rows_mark){ .count = rows->count, .names = rows->names.len, .text = rows->text.len };
}

void list_rows_truncate(struct list_rows *rows, const struct list_rows_mark *mark)
{
	rows->count = mark->count;
	buf_truncate(&rows->names, mark->names);
	buf_truncate(&rows->text, mark->text);
}

enum rc list_rows_add(struct list_rows *rows, enum kube_kind kind, const char *name, const char *id, int64_t created_ms,
		      struct list_row **ret_row, struct error *err)
{
	if (rows->count == rows->capacity) {
		size_t capacity = rows->capacity * 2 + 16;
		struct list_row *grown = reallocarray(rows->items, capacity, sizeof(*grown));

		if (!grown)
			return error_no_memory(err);
		rows->items = grown;
		rows->capacity = capacity;
	}
	*ret_row = &rows->items[rows->count++];
	**ret_row = (struct list_row){
		.name = rows->names.len,
		.id = rows->names.len + strlen(name) + 1,
		.kind = kind,
		.created_ms = created_ms,
		.start = rows->text.len,
	};
	buf_add(&rows->names, name, strlen(name) + 1);
	buf_add(&rows->names, id, strlen(id) + 1);
	return buf_check(&rows->names, err);
}

const char *list_rows_name(const struct list_rows *rows, const struct list_row *row)
{
	return rows->names.data + row->name;
}

const char *list_rows_id(const struct list_rows *rows, const struct list_row *row)
{
	return rows->names.data + row->id;
}

const struct list_row *list_rows_find(const struct list_rows *rows, const char *name, const char *id)
{
	for (size_t i = 0; i < rows->count; i++)
		if (strcmp(list_rows_name(rows, &rows->items[i]), name) == 0 &&
		    strcmp(list_rows_id(rows, &rows->items[i]), id) == 0)
			return &rows->items[i];
	return NULL;
}
