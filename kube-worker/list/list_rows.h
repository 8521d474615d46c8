/*
 * Rows of a list: roots by name and id, and their JSON.
 */
#ifndef KUBE_WORKER_LIST_LIST_ROWS_H
#define KUBE_WORKER_LIST_LIST_ROWS_H

#include "common/base/buf.h"
#include "common/kube/kube_path.h"

struct list_row {
	size_t name; /* offset in `names` */
	size_t id;   /* offset in `names` */
	enum kube_kind kind;
	int64_t created_ms;
	size_t start; /* offset of its JSON in `text` */
	size_t len;   /* 0: missing */
};

struct list_rows {
	struct list_row *items;
	size_t count;
	size_t capacity;
	struct buf names;
	struct buf text;
};

/* text_max: bytes of all JSON. */
struct list_rows list_rows_make(size_t text_max);
void list_rows_clear(struct list_rows *rows);

/* A position for list_rows_truncate(). */
struct list_rows_mark {
	size_t count;
	size_t names;
	size_t text;
};

struct list_rows_mark list_rows_mark(const struct list_rows *rows);

/* Remove the rows added after it; {0}: all. */
void list_rows_truncate(struct list_rows *rows, const struct list_rows_mark *mark);

/*
 * Add a row without JSON; the caller appends it to `text`, and sets its len.
 *
 * ret_row valid until the next row is added. Errors: RC_NO_MEMORY, RC_TOO_LARGE.
 */
enum rc list_rows_add(struct list_rows *rows, enum kube_kind kind, const char *name, const char *id, int64_t created_ms,
		      struct list_row **ret_row, struct error *err) must_check;

const char *list_rows_name(const struct list_rows *rows, const struct list_row *row);
const char *list_rows_id(const struct list_rows *rows, const struct list_row *row);

/* NULL: there is none. */
const struct list_row *list_rows_find(const struct list_rows *rows, const char *name, const char *id);

#endif
