#include "kube-worker/list/list_page.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/strutil.h"
#include "common/base/thread.h"
#include "common/container/workload.h"
#include "common/kube/kube_list.h"
#include "kube-worker/container/container_gather.h"
#include "kube-worker/list/list_ids.h"
#include "kube-worker/list/list_rows.h"
#include "kube-worker/operation/op_kube.h"

/*
 * Kubernetes lists one kind at a time. So each kind of root is a source of rows, ordered by name, and the page is
 * merged from them. The sources are read concurrently, unless exhausted by previous pages.
 *
 * Kubernetes' tokens continue in the state of the first page, which may be minutes old. So later pages use it only to
 * find the next containers, a window of them, and read these again, of every kind: deleted ones are skipped, and ones
 * recreated as another kind are found. All kinds are walked in the same state, so that none is missed.
 */
#define LAST_KIND "of" /* in a position's kinds: that of the last container, unless the first kind */
#define STATE "at"     /* likewise: the resourceVersion of the walk's state, for kinds that start later */
/* Per page. The largest page with the longest ids needs 11; more only if all containers of windows were deleted. */
#define WINDOWS_MAX 32

struct source {
	struct walk *walk;
	enum kube_kind kind;
	struct kube_client *kube;
	struct container_extras extras;
	char *token;   /* Kubernetes' token of the rows; "": from the start. NULL: none left */
	char *next;    /* the token of the next rows; "": end */
	char *version; /* of rows read in the current state; NULL: read in the walk's state */
	struct list_rows rows;
	size_t at;                  /* the first row not in the page */
	bool cut;                   /* more rows than fit into a page */
	bool refused;               /* Kubernetes rejected the token */
	char *back;                 /* the token to read the window again; NULL: no rows of this source */
	struct list_rows anew;      /* of the window, in the current state */
	struct list_rows_mark mark; /* rows of previous list calls */
	pthread_t thread;
	bool threaded;
	enum rc rc;
	struct error error;
};

struct walk {
	struct op_call *call;
	struct list_question *question;
	struct kube_cache *cache; /* of the parts of containers */
	struct source sources[KUBE_KIND_COUNT];
	size_t count;
	const char *after; /* containers up to it were returned before */
	enum kube_kind after_kind;
	bool later;        /* not the first page */
	const char *state; /* the resourceVersion of the walk; NULL: unknown */
	struct list_rows window;
	struct list_ids ids; /* of the window */
	size_t chosen;       /* containers in this page */
	bool shown;          /* at least one of them still existed */
	bool cut;            /* the page ends within the window */
	struct json_writer w;
	size_t start; /* offset of the page in the result */
	char *last;   /* the name of the last container that was returned, or found deleted; NULL: none */
	enum kube_kind last_kind;
};

static enum kube_kind first_kind(void)
{
	return (enum kube_kind)workload_root_from(0);
}

/* ---- reading a source -------------------------------------------------------------------------------------------- */

/* By name, then by kind. */
static int compare_places(const char *a, enum kube_kind a_kind, const char *b, enum kube_kind b_kind)
{
	int order = strcmp(a, b);

	return order ? order : (int)a_kind - (int)b_kind;
}

static void forget_rows(void *ctx)
{
	struct source *source = ctx;

	source->at = 0;
	source->cut = false;
	list_rows_truncate(&source->rows, &(struct list_rows_mark){ 0 });
}

/* Add a row, optionally with its JSON. */
static enum rc add_root(struct source *source, struct list_rows *rows, const cJSON *item, const struct fact *root,
			bool written, struct error *err)
{
	const struct walk *walk = source->walk;
	struct json_writer w = json_writer_make(&rows->text);
	struct list_row *row;
	enum rc rc = list_rows_add(rows, source->kind, root->name, root->instance_id, root->created_ms, &row, err);

	if (rc || !written)
		return rc;
	rc = container_gather_from(walk->call, walk->cache, root, &source->extras, err);
	if (!rc)
		rc = container_view_write(&w, item, &source->extras, NULL, err);
	if (!rc)
		row->len = rows->text.len - row->start;
	return rc;
}

static enum rc take_item(void *ctx, const cJSON *item, struct error *err)
{
	struct source *source = ctx;
	const struct walk *walk = source->walk;
	const char *name = json_string_at(item, "metadata.name");
	cleanup_free struct fact *root = NULL;
	enum rc rc;

	if (!name)
		return error_set(err, RC_UNAVAILABLE, "a %s without a name", kube_kind_name(source->kind));
	source->cut = source->cut || source->rows.text.len >= PROTOCOL_PAGE_BYTES;
	if (source->cut || json_at(item, "metadata.deletionTimestamp") ||
	    compare_places(name, source->kind, walk->after, walk->after_kind) <= 0)
		return RC_OK;
	rc = fact_from_object(source->kind, item, &root, err);
	return rc ? rc : add_root(source, &source->rows, item, root, !walk->later, err);
}

/* now: current state, else the walk's state. */
static enum rc ask(struct source *source, bool now, char **ret_next, char **ret_newer, struct error *err)
{
	const struct walk *walk = source->walk;
	const struct kube_page page = {
		.kind = source->kind,
		.namespace = walk->call->env->namespace,
		.selector = walk->question->selector.data,
		.limit = (int)walk->question->max,
		.token = source->token,
		.version = now || source->token[0] ? NULL : walk->state,
		.deadline_ms = walk->call->deadline_ms,
		.on_item = take_item,
		.on_restart = forget_rows,
		.ctx = source,
	};
	cleanup_free char *version = NULL;
	enum rc rc;

	forget_rows(source);
	rc = kube_list_page(source->kube, &page, ret_next, &version, ret_newer, err);
	if (!rc && now) {
		free(source->version);
		source->version = TAKE(version);
	}
	return rc;
}

/* Read the rows from source->token on. */
static enum rc read_rows(struct source *source, struct error *err)
{
	bool begins = source->token[0] == '\0';
	bool now = begins && !source->walk->state;
	cleanup_free char *newer = NULL;
	cleanup_free char *next = NULL;
	enum rc rc = ask(source, now, &next, &newer, err);

	/*
	 * The token or the state is older than what etcd still knows. Kubernetes offers to continue in the present;
	 * otherwise restart, and skip what was returned before. Likewise if it does not support listing a state.
	 */
	if (rc == RC_EXPIRED || (rc == RC_INVALID_ARGUMENT && begins && !now)) {
		free(source->token);
		source->token = newer ? TAKE(newer) : str_dup("");
		if (!source->token)
			return error_no_memory(err);
		rc = ask(source, true, &next, NULL, err);
	}
	source->refused = rc == RC_INVALID_ARGUMENT && source->token[0] != '\0';
	if (source->refused)
		return page_token_refuse(err);
	if (rc)
		return rc;
	free(source->next);
	source->next = TAKE(next);
	return RC_OK;
}

/* ---- reading a window -------------------------------------------------------------------------------------------- */

static void forget_anew(void *ctx)
{
	struct source *source = ctx;

	list_rows_truncate(&source->anew, &source->mark);
}

/* Beyond the size of a page, record only their existence. */
static enum rc take_anew(void *ctx, const cJSON *item, struct error *err)
{
	struct source *source = ctx;
	cleanup_free struct fact *root = NULL;
	enum rc rc;

	if (json_at(item, "metadata.deletionTimestamp"))
		return RC_OK;
	rc = fact_from_object(source->kind, item, &root, err);
	if (rc || !list_rows_find(&source->walk->window, root->name, root->instance_id))
		return rc;
	return add_root(source, &source->anew, item, root,
			source->anew.text.len - source->mark.text < PROTOCOL_PAGE_BYTES, err);
}

/* Read the containers of the window that are now roots of this kind. */
static enum rc read_anew(struct source *source, struct error *err)
{
	const struct walk *walk = source->walk;
	const struct buf *base = &walk->question->selector;
	struct buf selector cleanup_buf = buf_make(LIST_SELECTOR_MAX + LIST_IDS_SELECTOR_MAX);
	const struct kube_page page = {
		.kind = source->kind,
		.namespace = walk->call->env->namespace,
		.deadline_ms = walk->call->deadline_ms,
		.on_item = take_anew,
		.on_restart = forget_anew,
		.ctx = source,
	};
	enum rc rc = RC_OK;

	list_rows_truncate(&source->anew, &(struct list_rows_mark){ 0 });
	for (int i = 0; !rc && i < LIST_IDS_QUESTIONS; i++) {
		struct kube_page question = page;
		cleanup_free char *next = NULL;

		if (!list_ids_question(&walk->ids, i, base, &selector))
			continue;
		question.selector = selector.data;
		source->mark = list_rows_mark(&source->anew);
		rc = buf_check(&selector, err);
		if (!rc)
			rc = kube_list_page(source->kube, &question, &next, NULL, NULL, err);
	}
	return rc;
}

/* ---- the sources ------------------------------------------------------------------------------------------------- */

/* Set the start of the page in a source. A token of v0.1 has only one kind: the others start at its name. */
static enum rc open_source(struct source *source, struct error *err)
{
	const struct page_position *position = &source->walk->question->position;
	const cJSON *place = json_get(position->kinds, kube_kind_plural(source->kind));
	const char *token = cJSON_GetStringValue(place);

	source->extras = container_extras_make();
	source->rows = list_rows_make(2 * PROTOCOL_PAGE_BYTES);
	source->anew = list_rows_make(2 * LIST_IDS_QUESTIONS * PROTOCOL_PAGE_BYTES);
	if (cJSON_IsNull(place))
		return RC_OK; /* exhausted */
	if (source->kind == first_kind())
		token = position->kube_token;
	source->token = str_dup(token ? token : "");
	return source->token ? RC_OK : error_no_memory(err);
}

static void clear_source(struct source *source)
{
	container_extras_clear(&source->extras);
	free(source->token);
	free(source->next);
	free(source->version);
	free(source->back);
	list_rows_clear(&source->rows);
	list_rows_clear(&source->anew);
}

static enum rc open_sources(struct walk *walk, struct error *err)
{
	const struct page_position *position = &walk->question->position;
	const char *last = json_string_at(position->kinds, LAST_KIND);
	enum rc rc = RC_OK;

	walk->after = position->after;
	walk->after_kind = first_kind();
	walk->later = position->after[0] || position->kube_token[0] || position->kinds;
	walk->state = json_string_at(position->kinds, STATE);
	for (int kind = workload_root_from(0); !rc && kind < KUBE_KIND_COUNT; kind = workload_root_from(kind + 1)) {
		struct source *source = &walk->sources[walk->count++];

		if (str_equal(last, kube_kind_plural((enum kube_kind)kind)))
			walk->after_kind = (enum kube_kind)kind;
		source->walk = walk;
		source->kind = (enum kube_kind)kind;
		source->kube = kind == (int)first_kind() ? walk->call->kube : walk->call->kube_beside;
		rc = open_source(source, err);
	}
	return rc;
}

static void *run_rows(void *ctx)
{
	struct source *source = ctx;

	source->rc = read_rows(source, &source->error);
	return NULL;
}

static void *run_anew(void *ctx)
{
	struct source *source = ctx;

	source->rc = read_anew(source, &source->error);
	return NULL;
}

/* A kind not allowed by an older Role counts as empty. */
static enum rc judge_source(struct source *source, struct error *err)
{
	if (!source->rc)
		return RC_OK;
	if (root_kind_is_absent(source->walk->call->env->cache, source->kind, source->rc)) {
		forget_rows(source);
		list_rows_truncate(&source->anew, &(struct list_rows_mark){ 0 });
		free(TAKE(source->token));
		return RC_OK;
	}
	*err = source->error;
	if (source->refused)
		return source->rc;
	return op_kube_translate(source->walk->call, &(struct kube_reply){ 0 }, kube_kind_plural(source->kind), err);
}

/*
 * The last one on this thread, the others concurrently; without threads consecutively.
 *
 * run  run_rows, for sources that have rows, or run_anew, for all.
 */
static enum rc run_sources(struct walk *walk, void *(*run)(void *ctx), struct error *err)
{
	enum rc rc = RC_OK;

	for (size_t i = walk->count; i-- > 0;) {
		struct source *source = &walk->sources[i];

		source->rc = RC_OK;
		if (run == run_rows && !source->token)
			continue;
		source->threaded = i > 0 && !thread_start(run, source, &source->thread, &source->error);
		if (!source->threaded)
			(void)run(source);
	}
	for (size_t i = 0; i < walk->count; i++) {
		struct source *source = &walk->sources[i];

		if (source->threaded)
			pthread_join(source->thread, NULL);
		source->threaded = false;
		if (!rc)
			rc = judge_source(source, err);
	}
	return rc;
}

/* ---- merging ----------------------------------------------------------------------------------------------------- */

static const struct list_row *row_at(const struct source *source)
{
	return &source->rows.items[source->at];
}

static const char *name_at(const struct source *source)
{
	return list_rows_name(&source->rows, row_at(source));
}

static const char *id_at(const struct source *source)
{
	return list_rows_id(&source->rows, row_at(source));
}

static bool has_rows(const struct source *source)
{
	return source->token && source->at < source->rows.count;
}

static bool has_more(const struct source *source)
{
	return source->token && source->next && source->next[0] != '\0';
}

/*
 * Read more rows of exhausted sources, while there are others to merge with: else the page ends there, unless all its
 * containers were deleted.
 */
static enum rc refill(struct walk *walk, struct error *err)
{
	bool all_gone = walk->last && !walk->shown;
	size_t open = 0;
	enum rc rc = RC_OK;

	for (size_t i = 0; i < walk->count; i++)
		open += has_rows(&walk->sources[i]) || has_more(&walk->sources[i]);
	for (size_t i = 0; !rc && (open > 1 || all_gone) && i < walk->count; i++) {
		struct source *source = &walk->sources[i];

		while (!rc && !has_rows(source) && has_more(source) && !source->cut) {
			free(source->token);
			source->token = TAKE(source->next);
			(void)run_rows(source);
			rc = judge_source(source, err);
		}
	}
	return rc;
}

/* The source with the next row; NULL: none, or an unread row may come first. */
static struct source *next_source(struct walk *walk)
{
	struct source *first = NULL;

	for (size_t i = 0; i < walk->count; i++) {
		struct source *source = &walk->sources[i];

		if (!has_rows(source) && (has_more(source) || source->cut))
			return NULL;
		if (has_rows(source) &&
		    (!first || compare_places(name_at(source), source->kind, name_at(first), first->kind) < 0))
			first = source;
	}
	return first;
}

/* Whether it is the same container as a root of another kind. */
static bool is_twin(const struct source *a, const struct source *b)
{
	return has_rows(a) && has_rows(b) && strcmp(name_at(a), name_at(b)) == 0 && strcmp(id_at(a), id_at(b)) == 0;
}

static void show(struct walk *walk, const struct list_rows *rows, const struct list_row *row)
{
	json_raw(&walk->w, NULL, rows->text.data + row->start, row->len);
	walk->shown = true;
}

/* Later rows are left for the next page. */
static enum rc pass(struct walk *walk, const char *name, enum kube_kind kind, struct error *err)
{
	free(walk->last);
	walk->last = str_dup(name);
	walk->last_kind = kind;
	return walk->last ? RC_OK : error_no_memory(err);
}

static enum rc choose(struct walk *walk, const char *name, const char *id, enum kube_kind kind, struct error *err)
{
	struct list_row *row;

	list_ids_add(&walk->ids, id);
	return list_rows_add(&walk->window, kind, name, id, 0, &row, err);
}

/*
 * Take the next row and its twins: a create that will be rejected may leave a second root for a moment (op_create.c).
 * The oldest is returned, as by GET; on later pages of those read again.
 */
static enum rc take_row(struct walk *walk, struct source *first, struct error *err)
{
	const struct source *shown = first;
	enum kube_kind last_kind = first->kind;
	struct source *twins[KUBE_KIND_COUNT];
	size_t count = 0;
	enum rc rc;

	for (size_t i = 0; i < walk->count; i++)
		if (is_twin(&walk->sources[i], first))
			twins[count++] = &walk->sources[i];
	for (size_t i = 0; i < count; i++) {
		if (workload_root_precedes(row_at(twins[i])->created_ms, twins[i]->kind, row_at(shown)->created_ms,
					   shown->kind))
			shown = twins[i];
		last_kind = twins[i]->kind;
	}
	if (!walk->later)
		show(walk, &shown->rows, row_at(shown));
	rc = walk->later ? choose(walk, name_at(first), id_at(first), last_kind, err)
			 : pass(walk, name_at(first), last_kind, err);
	for (size_t i = 0; i < count; i++)
		twins[i]->at++;
	walk->chosen++;
	return rc;
}

static bool page_is_full(const struct walk *walk)
{
	return walk->chosen >= walk->question->max || walk->w.out->len - walk->start >= PROTOCOL_PAGE_BYTES;
}

/* On later pages at most as many as fit into one selector. */
static enum rc merge(struct walk *walk, struct error *err)
{
	while (!page_is_full(walk)) {
		enum rc rc = refill(walk, err);
		struct source *source = rc ? NULL : next_source(walk);

		if (!source || !list_ids_have_room(&walk->ids, id_at(source)))
			return rc;
		rc = take_row(walk, source, err);
		if (rc)
			return rc;
	}
	return RC_OK;
}

/* ---- later pages ------------------------------------------------------------------------------------------------- */

/* Kubernetes' token to continue a source; NULL: exhausted. */
static const char *place_of(const struct source *source)
{
	if (has_rows(source) || (source->token && source->cut))
		return source->token;
	return has_more(source) ? source->next : NULL;
}

static enum rc open_window(struct walk *walk, struct error *err)
{
	list_rows_truncate(&walk->window, &(struct list_rows_mark){ 0 });
	list_ids_reset(&walk->ids);
	for (size_t i = 0; i < walk->count; i++) {
		struct source *source = &walk->sources[i];
		const char *place = place_of(source);

		free(source->back);
		source->back = place ? str_dup(place) : NULL;
		if (place && !source->back)
			return error_no_memory(err);
	}
	return RC_OK;
}

/* Add a container of the window: the oldest of its roots. Returns false if there is no room. */
static bool show_anew(struct walk *walk, const char *name, const char *id)
{
	const struct list_rows *shown = NULL;
	const struct list_row *oldest = NULL;

	for (size_t i = 0; i < walk->count; i++) {
		const struct list_rows *rows = &walk->sources[i].anew;
		const struct list_row *row = list_rows_find(rows, name, id);

		if (!row || (oldest && row->created_ms >= oldest->created_ms))
			continue;
		oldest = row;
		shown = rows;
	}
	if (oldest && (oldest->len == 0 || walk->w.out->len - walk->start >= PROTOCOL_PAGE_BYTES))
		return false;
	if (oldest)
		show(walk, shown, oldest);
	return true;
}

static enum rc show_window(struct walk *walk, struct error *err)
{
	enum rc rc = RC_OK;

	for (size_t i = 0; !rc && i < walk->window.count; i++) {
		const struct list_row *row = &walk->window.items[i];
		const char *name = list_rows_name(&walk->window, row);

		walk->cut = !show_anew(walk, name, list_rows_id(&walk->window, row));
		if (walk->cut)
			return RC_OK;
		rc = pass(walk, name, row->kind, err);
	}
	return rc;
}

/* A page is shorter by deleted containers, but not empty while there may be more. */
static enum rc write_windows(struct walk *walk, struct error *err)
{
	enum rc rc = RC_OK;

	for (int i = 0; !rc && i < WINDOWS_MAX && !walk->cut && !page_is_full(walk); i++) {
		rc = open_window(walk, err);
		if (!rc)
			rc = merge(walk, err);
		if (rc || walk->window.count == 0)
			return rc;
		rc = run_sources(walk, run_anew, err);
		if (!rc)
			rc = show_window(walk, err);
		if (!walk->shown)
			walk->chosen = 0;
	}
	return rc;
}

/* ---- the next page ----------------------------------------------------------------------------------------------- */

static bool set_place(cJSON *kinds, enum kube_kind kind, const char *token)
{
	cJSON *place = token ? cJSON_CreateString(token) : cJSON_CreateNull();

	if (place && cJSON_AddItemToObject(kinds, kube_kind_plural(kind), place))
		return true;
	cJSON_Delete(place);
	return false;
}

/* The first kind is stored where workers of v0.1 expect it, unless exhausted. *ret_more: there is another page. */
static enum rc note_places(const struct walk *walk, struct page_position *next, bool *ret_more, struct error *err)
{
	enum kube_kind last = walk->last ? walk->last_kind : walk->after_kind;
	const char *state = NULL;
	bool begins = false; /* a kind starts on the next page */
	bool well = next->kinds != NULL;

	*ret_more = false;
	for (size_t i = 0; well && i < walk->count; i++) {
		const struct source *source = &walk->sources[i];
		const char *token = walk->cut ? source->back : place_of(source);

		state = state ? state : source->version;
		begins = begins || (token && token[0] == '\0');
		*ret_more = *ret_more || token;
		if (token && source->kind == first_kind())
			next->kube_token = (char *)(uintptr_t)token;
		else
			well = set_place(next->kinds, source->kind, token);
	}
	state = state ? state : walk->state;
	if (well && begins && state)
		well = cJSON_AddStringToObject(next->kinds, STATE, state);
	if (well && last != first_kind())
		well = cJSON_AddStringToObject(next->kinds, LAST_KIND, kube_kind_plural(last));
	return well ? RC_OK : error_no_memory(err);
}

static enum rc write_next_token(struct walk *walk, struct error *err)
{
	struct buf token cleanup_buf = buf_make(65536);
	cleanup_json cJSON *kinds = cJSON_CreateObject();
	struct page_position next = {
		.kube_token = (char *)(uintptr_t) "",
		.after = walk->last ? walk->last : walk->question->position.after,
		.kinds = kinds,
	};
	bool more;
	enum rc rc = note_places(walk, &next, &more, err);

	if (!rc && more)
		rc = page_token_encode(&next, walk->question->scope.data, &token, err);
	if (rc)
		return rc;
	json_end_array(&walk->w);
	json_string(&walk->w, "next_page_token", token.data);
	json_end_object(&walk->w);
	return buf_check(walk->w.out, err);
}

static enum rc write_page(struct walk *walk, struct error *err)
{
	enum rc rc = open_sources(walk, err);

	if (!rc)
		rc = run_sources(walk, run_rows, err);
	if (rc)
		return rc;
	json_begin_object(&walk->w, NULL);
	json_begin_array(&walk->w, "containers");
	rc = walk->later ? write_windows(walk, err) : merge(walk, err);
	return rc ? rc : write_next_token(walk, err);
}

enum rc list_walk(struct op_call *call, struct list_question *question, struct buf *result, struct error *err)
{
	struct walk walk = {
		.call = call,
		.question = question,
		.window = list_rows_make(0),
		.ids = list_ids_make(),
		.w = json_writer_make(result),
		.start = result->len,
	};
	struct container_cache cache cleanup_container_cache = { 0 };
	enum rc rc = container_cache_open(call, container_gather_kinds(), NULL, &cache, err);

	walk.cache = cache.cache;
	if (!rc)
		rc = write_page(&walk, err);
	for (size_t i = 0; i < walk.count; i++)
		clear_source(&walk.sources[i]);
	list_rows_clear(&walk.window);
	list_ids_clear(&walk.ids);
	free(walk.last);
	return rc;
}
