#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/strutil.h"
#include "common/base/thread.h"
#include "common/kube/kube_auth.h"
#include "common/services/log.h"
#include "common/services/secret.h"

#define FIXTURES "tests/fixtures/kubeconfig/"
#define LOOK_MS 1100 /* files are checked once a second */
#define THREADS 16
#define PATIENCE_MS 20000 /* timeout of kube_auth_get() */

/* ---- a separate folder for each test ----------------------------------------------------------------------------- */

static char folder[64];

static const char *in_folder(const char *name)
{
	static char paths[8][128];
	static unsigned next;
	char *path = paths[next++ % ARRAY_LEN(paths)];

	snprintf(path, sizeof(paths[0]), "%s/%s", folder, name);
	return path;
}

static void put(const char *name, const char *fmt, ...) printf_format(2, 3);

/* Replaced atomically. */
static void put(const char *name, const char *fmt, ...)
{
	FILE *file = fopen(in_folder(".new"), "w");
	va_list args;

	cr_assert_not_null(file);
	va_start(args, fmt);
	vfprintf(file, fmt, args);
	va_end(args);
	fclose(file);
	cr_assert_eq(rename(in_folder(".new"), in_folder(name)), 0);
}

static void put_copy(const char *name, const char *fixture)
{
	char *text = NULL;

	cr_assert_eq(secret_file_read(fixture, SECRET_FILE_MAX, &text, NULL, NULL, NULL), RC_OK);
	put(name, "%s", text);
	free(text);
}

/* A kubeconfig with these members of cluster and user. */
static void put_config(const char *cluster, const char *user)
{
	put("config",
	    "{current-context: x, contexts: [{name: x, context: {cluster: c, user: u}}],"
	    " clusters: [{name: c, cluster: {server: 'https://h:1'%s%s}}], users: [{name: u, user: {%s}}]}",
	    cluster[0] ? ", " : "", cluster, user);
}

static void set_up(void)
{
	log_init("test", LOG_ERROR);
	snprintf(folder, sizeof(folder), "/tmp/dcm-auth-XXXXXX");
	cr_assert_not_null(mkdtemp(folder));
}

static void tear_down(void)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -rf '%s'", folder);
	cr_expect_eq(system(command), 0);
}

TestSuite(kube_auth, .init = set_up, .fini = tear_down);

static struct kube_auth *create(void)
{
	struct kube_auth *auth = NULL;
	struct error error = { 0 };

	cr_assert_eq(kube_auth_create(&(struct kube_access){ in_folder("config"), "" }, &auth, &error), RC_OK, "%s",
		     error.text);
	return auth;
}

static void expect_error(const char *paths, enum rc rc, const char *part)
{
	struct kube_auth *auth = NULL;
	struct error error = { 0 };

	cr_expect_eq(kube_auth_create(&(struct kube_access){ paths, folder }, &auth, &error), rc, "%s", error.text);
	cr_expect_neq(strstr(error.text, part), NULL, "%s", error.text);
	kube_auth_destroy(auth);
}

static enum rc get_within(struct kube_auth *auth, int64_t ms, const struct kube_credentials **ret_credentials,
			  struct error *err)
{
	const struct kube_auth_wait wait = { .deadline_ms = clock_mono_ms() + ms };

	return kube_auth_get(auth, &wait, ret_credentials, err);
}

static const struct kube_credentials *get(struct kube_auth *auth)
{
	const struct kube_credentials *credentials = NULL;
	struct error error = { 0 };

	cr_assert_eq(get_within(auth, PATIENCE_MS, &credentials, &error), RC_OK, "%s", error.text);
	return credentials;
}

/* The only header is that of this token. */
static void expect_token(struct kube_auth *auth, const char *token)
{
	const struct kube_credentials *credentials = get(auth);

	cr_assert_eq(credentials->header_count, 1);
	cr_assert(str_has_prefix(credentials->headers[0], "Authorization: Bearer "));
	cr_expect_str_eq(credentials->headers[0] + strlen("Authorization: Bearer "), token);
	kube_credentials_release(credentials);
}

static void reject(struct kube_auth *auth)
{
	const struct kube_credentials *credentials = get(auth);

	kube_auth_reject(auth, credentials);
	kube_credentials_release(credentials);
}

/* ---- snapshots --------------------------------------------------------------------------------------------------- */

Test(kube_auth, callers_share_a_snapshot_until_something_changes)
{
	struct kube_auth *auth;
	const struct kube_credentials *a;
	const struct kube_credentials *b;

	put_config("tls-server-name: name, proxy-url: 'http://p'", "token: t, as: jane");
	auth = create();
	a = get(auth);
	b = get(auth);
	cr_expect_eq(a, b);
	kube_auth_reject(auth, a);
	kube_credentials_release(b);
	b = get(auth);
	cr_expect_eq(a, b, "rejected, without a newer one");
	kube_auth_destroy(auth);
	cr_expect_str_eq(a->server, "https://h:1", "a snapshot outlives kube_auth");
	cr_expect_str_eq(a->identity.server_name, "name");
	cr_expect_str_eq(a->identity.proxy, "http://p:80");
	cr_expect_str_eq(a->headers[0], "Impersonate-User: jane");
	cr_expect_str_eq(a->headers[1], "Authorization: Bearer t");
	kube_credentials_release(a);
	kube_credentials_release(b);
	kube_credentials_release(NULL);
}

/* ---- tokens in files --------------------------------------------------------------------------------------------- */

Test(kube_auth, a_changed_token_file_is_read_again)
{
	struct kube_auth *auth;
	const struct kube_credentials *old;
	int64_t looked_ms;

	put("token", "  first\r\n\n");
	put_config("", "token: spare, tokenFile: token");
	auth = create();
	expect_token(auth, "first");
	old = get(auth);
	put("token", "second\n");
	clock_sleep_ms(LOOK_MS);
	expect_token(auth, "second");
	looked_ms = clock_mono_ms();
	kube_auth_reject(auth, old); /* renewed already: no effect */
	put("token", "third");
	if (clock_mono_ms() - looked_ms < LOOK_MS / 2)
		expect_token(auth, "second");
	reject(auth);
	expect_token(auth, "third");
	cr_expect_str_eq(old->headers[0], "Authorization: Bearer first");
	kube_credentials_release(old);
	kube_auth_destroy(auth);
}

Test(kube_auth, an_invalid_token_file_keeps_the_old_token)
{
	static const char *const bad[] = { "", " \n", "two words", "two\nlines" };
	struct kube_auth *auth;

	put("token", "good");
	put_config("", "tokenFile: token");
	auth = create();
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		put("token", "%s", bad[i]);
		reject(auth);
		expect_token(auth, "good");
	}
	unlink(in_folder("token"));
	reject(auth);
	expect_token(auth, "good");
	cr_assert_eq(mkdir(in_folder("token"), 0700), 0);
	reject(auth);
	expect_token(auth, "good");
	rmdir(in_folder("token"));
	put("token", "better");
	clock_sleep_ms(LOOK_MS);
	expect_token(auth, "better");
	kube_auth_destroy(auth);
}

Test(kube_auth, a_token_file_may_appear_later)
{
	const struct kube_credentials *credentials = NULL;
	struct error error = { 0 };
	struct kube_auth *auth;

	put_config("", "tokenFile: token");
	auth = create();
	cr_expect_eq(get_within(auth, PATIENCE_MS, &credentials, &error), RC_UNAVAILABLE);
	cr_expect_neq(strstr(error.text, "tokenFile"), NULL, "%s", error.text);
	cr_expect_neq(strstr(error.text, "No such file"), NULL, "%s", error.text);
	put("token", "late");
	clock_sleep_ms(LOOK_MS);
	expect_token(auth, "late");
	kube_auth_destroy(auth);
}

Test(kube_auth, token_is_used_while_token_file_is_missing)
{
	struct kube_auth *auth;

	put_config("", "token: spare, tokenFile: token");
	auth = create();
	expect_token(auth, "spare");
	put("token", "real");
	clock_sleep_ms(LOOK_MS);
	expect_token(auth, "real");
	kube_auth_destroy(auth);
}

/* ---- certificates ------------------------------------------------------------------------------------------------ */

Test(kube_auth, certificate_and_key_are_replaced_together)
{
	struct kube_auth *auth;
	const struct kube_credentials *old;
	const struct kube_credentials *now;

	put_copy("crt", FIXTURES "client.crt");
	put_copy("key", FIXTURES "client.key");
	put_config("", "client-certificate: crt, client-key: key");
	auth = create();
	old = get(auth);
	cr_expect_neq(strstr(old->identity.cert_pem, "BEGIN CERTIFICATE"), NULL);
	put_copy("key", FIXTURES "other.key");
	reject(auth);
	now = get(auth);
	cr_expect_eq(now, old, "the other key does not match the certificate");
	kube_credentials_release(now);
	put("crt", "%s# the same\n", old->identity.cert_pem);
	put_copy("key", FIXTURES "client.key");
	clock_sleep_ms(LOOK_MS);
	now = get(auth);
	cr_expect_neq(strstr(now->identity.cert_pem, "# the same"), NULL);
	kube_credentials_release(now);
	kube_credentials_release(old);
	kube_auth_destroy(auth);
}

Test(kube_auth, authorities_are_read_again_after_a_symlink_was_swapped)
{
	struct kube_auth *auth;
	const struct kube_credentials *now;

	mkdir(in_folder("a"), 0700);
	mkdir(in_folder("b"), 0700);
	put_copy("a/ca.crt", FIXTURES "ca.crt");
	put_copy("b/ca.crt", FIXTURES "client.crt");
	cr_assert_eq(symlink("a", in_folder("data")), 0);
	put_config("certificate-authority: data/ca.crt", "");
	auth = create();
	unlink(in_folder("data"));
	cr_assert_eq(symlink("b", in_folder("data")), 0);
	clock_sleep_ms(LOOK_MS);
	now = get(auth);
	put_copy("expected", FIXTURES "client.crt");
	{
		char *expected = NULL;

		cr_assert_eq(secret_file_read(in_folder("expected"), SECRET_FILE_MAX, &expected, NULL, NULL, NULL), 0);
		cr_expect_str_eq(now->identity.ca_pem, expected);
		free(expected);
	}
	kube_credentials_release(now);
	kube_auth_destroy(auth);
}

struct pem_case {
	const char *cluster;
	const char *user;
	enum rc rc;
	const char *text;
};

static const struct pem_case pem_cases[] = {
	{ "certificate-authority: gone.crt", "", RC_NOT_FOUND, "cluster 'c': certificate-authority: open " },
	{ "certificate-authority: client.key", "", RC_INVALID_ARGUMENT, "no certificate found" },
	{ "certificate-authority: broken.crt", "", RC_INVALID_ARGUMENT, "certificate 2 of the PEM is invalid" },
	{ "certificate-authority-data: aGVsbG8=", "", RC_INVALID_ARGUMENT, "certificate-authority: no certificate" },
	{ "", "client-certificate: client.crt, client-key: gone.key", RC_NOT_FOUND, "gone.key: No such file" },
	{ "", "client-certificate: client.crt, client-key: other.key", RC_INVALID_ARGUMENT, "does not match" },
	{ "", "client-certificate: client.crt, client-key: encrypted.key", RC_INVALID_ARGUMENT, "a passphrase" },
	{ "", "client-certificate: client.crt, client-key: client.crt", RC_INVALID_ARGUMENT, "no valid private key" },
	{ "", "client-certificate: client.key, client-key: client.key", RC_INVALID_ARGUMENT, "no certificate found" },
	{ "", "client-certificate: client.crt, client-key-data: aGVsbG8=", RC_INVALID_ARGUMENT,
	  "no valid private key" },
};

Test(kube_auth, files_with_invalid_content_are_rejected)
{
	static const char *const names[] = { "ca.crt", "client.crt", "client.key", "other.key", "encrypted.key" };
	char fixture[96];
	char *text = NULL;

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		snprintf(fixture, sizeof(fixture), FIXTURES "%s", names[i]);
		put_copy(names[i], fixture);
	}
	cr_assert_eq(secret_file_read(FIXTURES "ca.crt", SECRET_FILE_MAX, &text, NULL, NULL, NULL), RC_OK);
	put("broken.crt", "%s-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n", text);
	free(text);
	for (size_t i = 0; i < ARRAY_LEN(pem_cases); i++) {
		put_config(pem_cases[i].cluster, pem_cases[i].user);
		expect_error(in_folder("config"), pem_cases[i].rc, pem_cases[i].text);
	}
}

/* ---- in a Pod ---------------------------------------------------------------------------------------------------- */

struct pod_case {
	const char *host;
	const char *port;
	const char *server; /* NULL: an error */
};

static const struct pod_case pod_cases[] = {
	{ "10.96.0.1", "443", "https://10.96.0.1:443" },
	{ "fd00::1", "6443", "https://[fd00::1]:6443" },
	{ "[fd00::1]", "6443", "https://[fd00::1]:6443" },
	{ "api.example", "443", "https://api.example:443" },
	{ "", "443", NULL },
	{ "10.96.0.1", "", NULL },
	{ "10.96.0.1", "tcp", NULL },
	{ "a/b", "443", NULL },
};

Test(kube_auth, in_a_pod_the_service_account_is_used)
{
	put("token", "mounted\n");
	put_copy("ca.crt", FIXTURES "ca.crt");
	for (size_t i = 0; i < ARRAY_LEN(pod_cases); i++) {
		const struct pod_case *c = &pod_cases[i];
		const struct kube_credentials *credentials;
		struct kube_auth *auth = NULL;

		setenv("KUBERNETES_SERVICE_HOST", c->host, 1);
		setenv("KUBERNETES_SERVICE_PORT", c->port, 1);
		if (!c->server) {
			expect_error("", RC_INVALID_ARGUMENT, "KUBERNETES_SERVICE_HOST");
			continue;
		}
		cr_assert_eq(kube_auth_create(&(struct kube_access){ "", folder }, &auth, NULL), RC_OK, "%s",
			     c->server);
		expect_token(auth, "mounted");
		credentials = get(auth);
		cr_expect_str_eq(credentials->server, c->server);
		cr_expect_not_null(credentials->identity.ca_pem);
		kube_credentials_release(credentials);
		kube_auth_destroy(auth);
	}
}

Test(kube_auth, in_a_pod_without_service_account_the_error_names_the_cause)
{
	setenv("KUBERNETES_SERVICE_HOST", "10.96.0.1", 1);
	setenv("KUBERNETES_SERVICE_PORT", "443", 1);
	expect_error("", RC_NOT_FOUND, "SP_K8S_SERVICE_ACCOUNT_DIR: service account of the Pod: ");
	expect_error("", RC_NOT_FOUND, "automountServiceAccountToken");
	put("token", "t");
	expect_error("", RC_NOT_FOUND, "ca.crt");
}

Test(kube_auth, outside_a_pod_the_error_names_the_variable)
{
	unsetenv("KUBERNETES_SERVICE_HOST");
	unsetenv("KUBERNETES_SERVICE_PORT");
	expect_error("", RC_INVALID_ARGUMENT, "SP_K8S_KUBECONFIG");
}

/* ---- plugins ----------------------------------------------------------------------------------------------------- */

#define PLUGIN "exec: {command: ./plugin, apiVersion: client.authentication.k8s.io/v1}"

/* A plugin that counts its runs in the file `runs` and prints the token "run-N" and the rest of a status. */
static void put_plugin(const char *before, const char *rest)
{
	put("plugin",
	    "#!/bin/sh\ncd '%s'\necho x >> runs\n%s\n"
	    "echo "
	    "'{\"apiVersion\":\"client.authentication.k8s.io/v1\",\"kind\":\"ExecCredential\",\"status\":{\"token\":"
	    "\"run-'$(($(wc -l < runs)))'\"%s}}'\n",
	    folder, before, rest);
	cr_assert_eq(chmod(in_folder("plugin"), 0700), 0);
}

static size_t plugin_runs(void)
{
	char *text = NULL;
	size_t len = 0;

	if (secret_file_read(in_folder("runs"), SECRET_FILE_MAX, &text, &len, NULL, NULL))
		return 0;
	free(text);
	return len / 2;
}

static void *get_in_thread(void *ctx)
{
	const struct kube_credentials *credentials = NULL;
	enum rc rc = get_within(ctx, PATIENCE_MS, &credentials, NULL);

	kube_credentials_release(credentials);
	return (void *)(uintptr_t)rc;
}

/* Returns the number of threads that failed. */
static size_t get_in_threads(struct kube_auth *auth)
{
	pthread_t threads[THREADS];
	size_t failures = 0;

	for (size_t i = 0; i < THREADS; i++)
		cr_assert_eq(thread_start(get_in_thread, auth, &threads[i], NULL), RC_OK);
	for (size_t i = 0; i < THREADS; i++) {
		void *result = NULL;

		pthread_join(threads[i], &result);
		failures += result != NULL;
	}
	return failures;
}

Test(kube_auth, a_plugin_runs_once_for_all_waiting_callers)
{
	struct kube_auth *auth;

	put_plugin("sleep 0.3", "");
	put_config("", PLUGIN);
	auth = create();
	cr_expect_eq(plugin_runs(), 0, "it is not run before it is needed");
	cr_expect_eq(get_in_threads(auth), 0);
	cr_expect_eq(plugin_runs(), 1);
	expect_token(auth, "run-1");
	reject(auth);
	clock_sleep_ms(LOOK_MS);
	cr_expect_eq(get_in_threads(auth), 0);
	cr_expect_eq(plugin_runs(), 2);
	expect_token(auth, "run-2");
	kube_auth_destroy(auth);
}

Test(kube_auth, a_failed_plugin_fails_all_waiting_callers_and_pauses)
{
	const struct kube_credentials *credentials = NULL;
	struct error error = { 0 };
	struct kube_auth *auth;

	put_plugin("sleep 0.3; [ -e repaired ] || { echo no session >&2; exit 4; }", "");
	put_config("", PLUGIN);
	auth = create();
	cr_expect_eq(get_in_threads(auth), THREADS);
	cr_expect_eq(plugin_runs(), 1);
	cr_expect_eq(get_within(auth, PATIENCE_MS, &credentials, &error), RC_UNAVAILABLE);
	cr_expect_neq(strstr(error.text, "exit code 4: no session"), NULL, "%s", error.text);
	put("repaired", "%s", "");
	clock_sleep_ms(LOOK_MS);
	kube_credentials_release(get(auth));
	kube_auth_destroy(auth);
}

Test(kube_auth, a_plugin_runs_again_when_its_token_expires)
{
	char rest[96];
	char time[CLOCK_RFC3339_MAX];
	struct kube_auth *auth;

	clock_format_rfc3339(clock_wall_ms() + 3000, true, time);
	snprintf(rest, sizeof(rest), ",\"expirationTimestamp\":\"%s\"", time);
	put_plugin("", rest);
	put_config("", PLUGIN);
	auth = create();
	expect_token(auth, "run-1");
	expect_token(auth, "run-1");
	clock_sleep_ms(3100);
	expect_token(auth, "run-2");
	kube_auth_destroy(auth);
}

Test(kube_auth, a_plugin_slower_than_a_timeout_continues_for_the_next_caller)
{
	const struct kube_credentials *credentials = NULL;
	struct error error = { 0 };
	int64_t started_ms = clock_mono_ms();
	struct kube_auth *auth;

	put_plugin("sleep 1", "");
	put_config("", PLUGIN);
	auth = create();
	cr_expect_eq(get_within(auth, 200, &credentials, &error), RC_TIMEOUT);
	cr_expect_neq(strstr(error.text, "is still running"), NULL, "%s", error.text);
	cr_expect_lt(clock_mono_ms() - started_ms, 900);
	expect_token(auth, "run-1");
	cr_expect_eq(plugin_runs(), 1);
	kube_auth_destroy(auth);
}

static bool is_cancelled(void *ctx)
{
	return clock_mono_ms() >= *(const int64_t *)ctx;
}

Test(kube_auth, a_hanging_plugin_does_not_delay_the_shutdown)
{
	int64_t started_ms = clock_mono_ms();
	int64_t leave_ms = started_ms + 300;
	const struct kube_auth_wait wait = { .deadline_ms = started_ms + PATIENCE_MS,
					     .cancelled = is_cancelled,
					     .ctx = &leave_ms };
	const struct kube_credentials *credentials = NULL;
	struct kube_auth *auth;

	put_plugin("sleep 60", "");
	put_config("", PLUGIN);
	auth = create();
	cr_expect_eq(kube_auth_get(auth, &wait, &credentials, NULL), RC_UNAVAILABLE);
	kube_auth_destroy(auth);
	cr_expect_lt(clock_mono_ms() - started_ms, 2000);
}

Test(kube_auth, a_token_in_the_kubeconfig_takes_precedence_over_a_plugin)
{
	struct kube_auth *auth;

	put_config("", "token: t, " PLUGIN);
	auth = create();
	expect_token(auth, "t");
	cr_expect_eq(plugin_runs(), 0);
	kube_auth_destroy(auth);
}
