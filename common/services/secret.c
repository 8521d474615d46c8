#include "common/services/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define READ_FIRST_BYTES 4096

void secret_free(char *text)
{
	if (!text)
		return;
	explicit_bzero(text, strlen(text));
	free(text);
}

void secret_free_at(char **text)
{
	secret_free(*text);
}

/* Recursion is bounded by the parser (JSON_DEPTH_MAX). */
static void wipe(cJSON *node)
{
	for (; node; node = node->next) {
		if (cJSON_IsString(node) && node->valuestring)
			explicit_bzero(node->valuestring, strlen(node->valuestring));
		wipe(node->child);
	}
}

void secret_tree_free(cJSON *tree)
{
	wipe(tree);
	cJSON_Delete(tree);
}

void secret_tree_free_at(cJSON **tree)
{
	secret_tree_free(*tree);
}

/* ---- files ------------------------------------------------------------------------------------------------------- */

static int64_t in_ns(struct timespec time)
{
	return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

static struct secret_file_stamp stamp_from(const struct stat *s)
{
	return (struct secret_file_stamp){
		.device = s->st_dev,
		.inode = s->st_ino,
		.size = s->st_size,
		.modified_ns = in_ns(s->st_mtim),
		.changed_ns = in_ns(s->st_ctim),
	};
}

struct secret_file_stamp secret_file_stamp_of(const char *path)
{
	struct stat s;

	return stat(path, &s) == 0 ? stamp_from(&s) : (struct secret_file_stamp){ 0 };
}

bool secret_file_stamp_equal(const struct secret_file_stamp *a, const struct secret_file_stamp *b)
{
	return a->device == b->device && a->inode == b->inode && a->size == b->size &&
	       a->modified_ns == b->modified_ns && a->changed_ns == b->changed_ns;
}

struct block {
	char *data;
	size_t len;
	size_t capacity;
};

/* realloc() would not wipe the old bytes. */
static bool grow(struct block *b)
{
	size_t capacity = b->capacity ? b->capacity * 2 : READ_FIRST_BYTES;
	char *data = malloc(capacity);

	if (!data)
		return false;
	if (b->len)
		memcpy(data, b->data, b->len);
	if (b->data)
		explicit_bzero(b->data, b->len);
	free(b->data);
	b->data = data;
	b->capacity = capacity;
	return true;
}

static enum rc read_all(int fd, const char *path, size_t max, bool any_bytes, struct block *b, struct error *err)
{
	for (;;) {
		ssize_t got;

		if (b->len + 1 >= b->capacity && !grow(b))
			return error_no_memory(err);
		got = read(fd, b->data + b->len, b->capacity - b->len - 1);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return error_set(err, RC_INVALID_ARGUMENT, "read %s: %s", path, error_errno_text(errno));
		b->len += (size_t)got;
		b->data[b->len] = '\0';
		if (b->len > max)
			return error_set(err, RC_TOO_LARGE, "%s has more than %zu bytes", path, max);
		if (got == 0)
			break;
	}
	if (!any_bytes && strlen(b->data) != b->len)
		return error_set(err, RC_INVALID_ARGUMENT, "%s contains binary data, not text", path);
	return RC_OK;
}

enum rc secret_file_read(const char *path, size_t max, char **ret_text, size_t *ret_len,
			 struct secret_file_stamp *ret_stamp, struct error *err)
{
	struct block b = { 0 };
	struct stat s;
	enum rc rc;
	int fd;

	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK); /* opening a FIFO would block */
	if (fd < 0)
		return error_set(err, errno == ENOENT || errno == ENOTDIR ? RC_NOT_FOUND : RC_INVALID_ARGUMENT,
				 "open %s: %s", path, error_errno_text(errno));
	if (fstat(fd, &s) != 0 || !S_ISREG(s.st_mode))
		rc = error_set(err, RC_INVALID_ARGUMENT, "%s is not a regular file", path);
	else
		rc = read_all(fd, path, max, ret_len != NULL, &b, err);
	close(fd);
	if (rc) {
		if (b.data)
			explicit_bzero(b.data, b.len);
		free(b.data);
		return rc;
	}
	*ret_text = b.data;
	if (ret_len)
		*ret_len = b.len;
	if (ret_stamp)
		*ret_stamp = stamp_from(&s);
	return RC_OK;
}
