#include "tests/kubesim/auth.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "common/base/strutil.h"
#include "tests/kubesim/kubeconfig.h"

#define DEFAULT_USER "system:serviceaccount:default:kubesim"
#define SCHEME "Bearer "

struct sim_auth {
	const char *token;
	const char *file;
	pthread_mutex_t lock; /* of what follows */
	char *text;           /* the file as last read; NULL: never */
	struct timespec changed;
	ino_t inode;
};

struct sim_auth *sim_auth_create(const char *token, const char *token_file)
{
	struct sim_auth *a = calloc(1, sizeof(*a));

	if (!a)
		return NULL;
	a->token = token;
	a->file = token_file;
	pthread_mutex_init(&a->lock, NULL);
	return a;
}

void sim_auth_destroy(struct sim_auth *a)
{
	if (!a)
		return;
	pthread_mutex_destroy(&a->lock);
	free(a->text);
	free(a);
}

/* A file that cannot be read any more leaves the tokens as they were. */
static void read_again_locked(struct sim_auth *a)
{
	struct stat st;
	char *text = NULL;

	if (stat(a->file, &st) != 0)
		return;
	if (a->text && st.st_ino == a->inode && st.st_mtim.tv_sec == a->changed.tv_sec &&
	    st.st_mtim.tv_nsec == a->changed.tv_nsec)
		return;
	if (sim_file_read(a->file, &text, NULL))
		return;
	free(a->text);
	a->text = text;
	a->inode = st.st_ino;
	a->changed = st.st_mtim;
}

/* Look for "TOKEN" or "TOKEN,USER" among the lines. */
static bool find_token(const char *text, const char *token, char *user, size_t user_size)
{
	size_t token_len = strlen(token);

	while (text && *text) {
		size_t line_len = strcspn(text, "\r\n");
		size_t len = strcspn(text, ",\r\n");

		if (len == token_len && len > 0 && strncmp(text, token, len) == 0) {
			snprintf(user, user_size, "%.*s", line_len > len ? (int)(line_len - len - 1) : 0,
				 text + len + 1);
			if (!user[0])
				snprintf(user, user_size, "%s", DEFAULT_USER);
			return true;
		}
		text += line_len;
		text += strspn(text, "\r\n");
	}
	return false;
}

bool sim_auth_check(struct sim_auth *a, const char *authorization, char *user, size_t user_size)
{
	const char *token;
	bool found;

	snprintf(user, user_size, "%s", DEFAULT_USER);
	if (!a->token && !a->file)
		return true;
	if (!authorization || strncasecmp(authorization, SCHEME, strlen(SCHEME)) != 0)
		return false;
	token = authorization + strlen(SCHEME);
	if (str_equal(a->token, token))
		return true;
	if (!a->file)
		return false;
	pthread_mutex_lock(&a->lock);
	read_again_locked(a);
	found = find_token(a->text, token, user, user_size);
	pthread_mutex_unlock(&a->lock);
	return found;
}
