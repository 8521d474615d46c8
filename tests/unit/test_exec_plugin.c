#include <criterion/criterion.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/strutil.h"
#include "common/kube/exec_plugin.h"
#include "common/services/json.h"

#define V1 "client.authentication.k8s.io/v1"
#define HEAD "{\"apiVersion\":\"" V1 "\",\"kind\":\"ExecCredential\","

/* ---- parsing its output ------------------------------------------------------------------------------------------ */

struct parse_case {
	const char *text;
	const char *message; /* a part of it; NULL: valid */
};

static const struct parse_case parse_cases[] = {
	{ HEAD "\"status\":{\"token\":\"t\"}}", NULL },
	{ HEAD "\"spec\":{},\"status\":{\"token\":\"t\",\"clientKeyData\":null,\"x\":1}}\n", NULL },
	{ HEAD "\"status\":{\"token\":\"t\",\"expirationTimestamp\":\"2030-01-02T03:04:05Z\"}}", NULL },
	{ "", "not JSON" },
	{ "Please log in first", "not JSON" },
	{ "[]", "not an ExecCredential" },
	{ "{\"kind\":\"Pod\"}", "not an ExecCredential" },
	{ "{\"kind\":\"ExecCredential\"}", "output has API version (none)" },
	{ "{\"apiVersion\":\"client.authentication.k8s.io/v1beta1\",\"kind\":\"ExecCredential\"}",
	  "output has API version client.authentication.k8s.io/v1beta1, but the kubeconfig requires " V1 },
	{ HEAD "\"spec\":{}}", "no status" },
	{ HEAD "\"status\":{}}", "neither a token nor a certificate" },
	{ HEAD "\"status\":{\"token\":\"\"}}", "neither a token nor a certificate" },
	{ HEAD "\"status\":{\"token\":7}}", "status.token is not a string" },
	{ HEAD "\"status\":{\"token\":\"secret\\nX: y\"}}", "its token contains white space" },
	{ HEAD "\"status\":{\"clientCertificateData\":\"secret\"}}", "a client certificate without its key" },
	{ HEAD "\"status\":{\"clientKeyData\":\"secret\"}}", "a client key without its certificate" },
	{ HEAD "\"status\":{\"clientCertificateData\":\"secret\",\"clientKeyData\":\"secret\"}}",
	  "no certificate found" },
	{ HEAD "\"status\":{\"token\":\"secret\",\"expirationTimestamp\":\"tomorrow\"}}", "expirationTimestamp" },
	{ HEAD "\"status\":{\"token\":\"secret\",\"expirationTimestamp\":12}}", "expirationTimestamp" },
};

Test(exec_plugin, output_is_parsed_or_rejected_without_disclosure)
{
	for (size_t i = 0; i < ARRAY_LEN(parse_cases); i++) {
		const struct parse_case *c = &parse_cases[i];
		struct exec_credential credential = { 0 };
		struct error error = { 0 };
		enum rc rc = exec_credential_parse(c->text, strlen(c->text), V1, &credential, &error);

		cr_expect_eq(rc, c->message ? RC_INVALID_ARGUMENT : RC_OK, "%s: %s", c->text, error.text);
		if (c->message)
			cr_expect_neq(strstr(error.text, c->message), NULL, "%s: %s", c->text, error.text);
		cr_expect_null(strstr(error.text, "secret"), "%s", error.text);
		cr_expect(c->message || str_equal(credential.token, "t"));
		exec_credential_clear(&credential);
	}
}

Test(exec_plugin, input_describes_the_cluster_if_configured)
{
	struct kubeconfig config = {
		.server = (char[]){ "https://h" },
		.server_name = (char[]){ "n" },
		.proxy_url = (char[]){ "socks5://p" },
		.proxy = (char[]){ "socks5h://p" },
		.exec_config = (char[]){ "{\"a\":1}" },
		.exec = { .api_version = (char[]){ V1 }, .provide_cluster_info = true },
	};
	struct buf text cleanup_buf = buf_make(4096);

	exec_credential_add_info(&config, "pem", &text);
	cr_expect_str_eq(text.data, HEAD "\"spec\":{\"cluster\":{\"server\":\"https://h\",\"tls-server-name\":\"n\","
					 "\"certificate-authority-data\":\"cGVt\",\"proxy-url\":\"socks5://p\","
					 "\"config\":{\"a\":1}},\"interactive\":false}}");
	buf_reset(&text);
	config.exec.provide_cluster_info = false;
	exec_credential_add_info(&config, "pem", &text);
	cr_expect_str_eq(text.data, HEAD "\"spec\":{\"interactive\":false}}");
}

/* ---- the cache --------------------------------------------------------------------------------------------------- */

struct decide_case {
	const char *what;
	bool filled, rejected, failed;
	int64_t expires_ms, renew_ms, pause_until_ms;
	enum exec_verdict verdict; /* at 1000, by both clocks */
};

static const struct decide_case decide_cases[] = {
	{ "never run", false, false, false, 0, 0, 0, EXEC_RUN },
	{ "first run failed, long ago", false, false, true, 0, 0, 1000, EXEC_RUN },
	{ "first run failed, just now", false, false, true, 0, 0, 1001, EXEC_FAIL },
	{ "valid without expiry", true, false, false, 0, 0, 0, EXEC_USE },
	{ "valid for long", true, false, false, 2000, 1500, 0, EXEC_USE },
	{ "about to expire", true, false, false, 2000, 1000, 0, EXEC_RENEW },
	{ "about to expire, renewal failed just now", true, false, true, 2000, 900, 1500, EXEC_USE },
	{ "expired", true, false, false, 1000, 900, 0, EXEC_RUN },
	{ "expired, renewal failed just now", true, false, true, 1000, 900, 1500, EXEC_FAIL },
	{ "expired when received, just now", true, false, false, 500, 500, 1500, EXEC_USE },
	{ "rejected", true, true, false, 0, 0, 0, EXEC_RUN },
	{ "rejected, renewal failed just now", true, true, true, 0, 0, 1500, EXEC_FAIL },
	{ "rejected, renewal returned the same just now", true, true, false, 0, 0, 1500, EXEC_USE },
};

Test(exec_plugin, runs_on_expiry_and_rejection)
{
	for (size_t i = 0; i < ARRAY_LEN(decide_cases); i++) {
		const struct decide_case *c = &decide_cases[i];
		struct exec_cache cache = {
			.credential.expires_ms = c->expires_ms,
			.filled = c->filled,
			.rejected = c->rejected,
			.failed = c->failed,
			.renew_ms = c->renew_ms,
			.pause_until_ms = c->pause_until_ms,
		};

		cr_expect_eq(exec_cache_decide(&cache, 1000, 1000), c->verdict, "%s", c->what);
	}
}

static bool take(struct exec_cache *cache, const char *token, int64_t expires_ms, int64_t now_ms)
{
	struct exec_credential credential = { .token = str_dup(token), .expires_ms = expires_ms };

	return exec_cache_take(cache, &credential, now_ms, now_ms);
}

Test(exec_plugin, is_renewed_shortly_before_expiry)
{
	struct exec_cache cache = { 0 };

	cr_expect(take(&cache, "a", 3600000, 0));
	cr_expect_eq(cache.renew_ms, 3600000 - 30000);
	cr_expect(take(&cache, "b", 20000, 10000));
	cr_expect_eq(cache.renew_ms, 19000);
	cr_expect(!take(&cache, "b", 0, 10000), "the same token is not a change");
	cr_expect_eq(cache.renew_ms, 0);
	exec_credential_clear(&cache.credential);
}

Test(exec_plugin, pauses_after_returning_a_rejected_token_again)
{
	struct exec_cache cache = { 0 };

	take(&cache, "a", 0, 0);
	cache.rejected = true;
	cr_expect_eq(exec_cache_decide(&cache, 2000, 2000), EXEC_RUN);
	take(&cache, "a", 0, 2000);
	cache.rejected = true;
	cr_expect_eq(exec_cache_decide(&cache, 4000, 4000), EXEC_USE);
	cr_expect_eq(exec_cache_decide(&cache, 12000, 12000), EXEC_RUN);
	exec_credential_clear(&cache.credential);
}

/* ---- running it -------------------------------------------------------------------------------------------------- */

struct script {
	char folder[64];
	char path[96];
	struct kubeconfig config;
};

static void script_init(struct script *s, const char *body)
{
	FILE *file;

	snprintf(s->folder, sizeof(s->folder), "/tmp/dcm-exec-XXXXXX");
	cr_assert_not_null(mkdtemp(s->folder));
	snprintf(s->path, sizeof(s->path), "%s/plugin", s->folder);
	file = fopen(s->path, "w");
	cr_assert_not_null(file);
	fprintf(file, "#!/bin/sh\n%s\n", body);
	fclose(file);
	cr_assert_eq(chmod(s->path, 0700), 0);
	s->config = (struct kubeconfig){ 0 };
	s->config.user_place = str_dup("f: user 'u'");
	s->config.server = str_dup("https://h");
	s->config.exec.command = str_dup(s->path);
	s->config.exec.api_version = str_dup(V1);
	s->config.exec.install_hint = str_dup("ask the platform team");
}

static void script_clear(struct script *s)
{
	unlink(s->path);
	rmdir(s->folder);
	free(s->config.user_place);
	free(s->config.server);
	free(s->config.exec.command);
	free(s->config.exec.api_version);
	free(s->config.exec.install_hint);
}

struct run_case {
	const char *body;
	const char *message; /* a part of it; NULL: token "t" */
};

#define PRINT_T "echo '" HEAD "\"status\":{\"token\":\"t\"}}'"

static const struct run_case run_cases[] = {
	{ PRINT_T, NULL },
	{ "echo warning >&2; " PRINT_T, NULL },
	{ "read line && exit 9; " PRINT_T, NULL }, /* nothing on stdin */
	{ "[ -e /proc/$$/fd/77 ] && exit 8; " PRINT_T, NULL },
	{ "grep -q '^SigBlk:.*[1-9a-f]' /proc/self/status && exit 6; " PRINT_T, NULL },
	{ "grep -q '^SigIgn:.*[1-9a-f][0-9a-f]\\{0,3\\}$' /proc/self/status && exit 6; " PRINT_T, NULL },
	{ "sleep 20 & " PRINT_T, NULL }, /* it leaves a child */
	{ "[ \"$(cut -d' ' -f5 /proc/$$/stat)\" = $$ ] || exit 7; " PRINT_T, NULL },
	{ "i=0; while [ $i -lt 20000 ]; do echo a long line of complaints >&2; i=$((i+1)); done; " PRINT_T, NULL },
	{ "case $KUBERNETES_EXEC_INFO in *'\"interactive\":false'*) " PRINT_T ";; esac", NULL },
	{ "exit 3", "f: user 'u': exec plugin '" },
	{ "exit 3", "exit code 3: nothing on stderr" },
	{ "echo one >&2; echo 'not logged in' >&2; exit 1", "exit code 1: one not logged in" },
	{ "kill -9 $$", "killed by signal 9" },
	{ "exec >&-; sleep 20", "timeout after 700 ms" },
	{ "sleep 20", "timeout after 700 ms" },
	{ "sleep 20 & wait", "timeout after 700 ms" },
	{ "trap '' TERM INT; while :; do echo x >&2; done", "timeout after 700 ms" },
	{ "head -c 2000000 /dev/zero", "more than 1048576 bytes" },
	{ "cat /dev/zero", "more than 1048576 bytes" },
	{ "echo nonsense", "not JSON" },
};

Test(exec_plugin, results_of_runs)
{
	sigset_t blocked;

	/* Like one of our processes: lifecycle_init(), and a descriptor of a library without close-on-exec. */
	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&blocked);
	sigaddset(&blocked, SIGTERM);
	sigprocmask(SIG_BLOCK, &blocked, NULL);
	cr_assert_eq(dup2(STDERR_FILENO, 77), 77);
	for (size_t i = 0; i < ARRAY_LEN(run_cases); i++) {
		const struct run_case *c = &run_cases[i];
		struct exec_credential credential = { 0 };
		struct error error = { 0 };
		struct script s;
		bool hangs = c->message && strstr(c->message, "700 ms");
		int64_t start_ms = clock_mono_ms();
		enum rc rc;

		script_init(&s, c->body);
		rc = exec_plugin_run(&s.config, NULL, hangs ? 700 : 10000, NULL, &credential, &error);
		cr_expect_eq(rc, c->message ? RC_UNAVAILABLE : RC_OK, "%s: %s", c->body, error.text);
		cr_expect(!c->message || strstr(error.text, c->message), "%s: %s", c->body, error.text);
		cr_expect(c->message || str_equal(credential.token, "t"), "%s", c->body);
		cr_expect_lt(clock_mono_ms() - start_ms, 10000, "%s", c->body);
		exec_credential_clear(&credential);
		script_clear(&s);
	}
}

/* The number of our children, dead or alive. As subreaper, like PID 1 of a container, we adopt orphans. */
static size_t count_children(void)
{
	char path[64];
	char text[4096] = "";
	size_t count = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/self/task/%d/children", getpid());
	file = fopen(path, "r");
	cr_assert_not_null(file);
	if (!fgets(text, sizeof(text), file))
		text[0] = '\0';
	fclose(file);
	for (const char *at = text; (at = strchr(at, ' ')); at++)
		count++;
	return count;
}

static const struct run_case orphan_cases[] = {
	{ "sleep 61 & sleep 61 & " PRINT_T, NULL },
	{ "(sleep 61 & sleep 61) & " PRINT_T, NULL },
	{ "(trap '' TERM HUP; sh -c 'sleep 61; true'; true) & " PRINT_T, NULL },
	{ "sleep 61 >/dev/null 2>&1 & " PRINT_T, NULL },
	{ "sleep 61 & exit 3", "exit code 3" },
	{ "sleep 61 & sleep 61", "timeout after 700 ms" },
	{ "cat /dev/zero & cat /dev/zero", "more than 1048576 bytes" },
};

Test(exec_plugin, leaves_no_process_behind)
{
	cr_assert_eq(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
	for (size_t i = 0; i < ARRAY_LEN(orphan_cases); i++) {
		const struct run_case *c = &orphan_cases[i];
		struct exec_credential credential = { 0 };
		struct error error = { 0 };
		struct script s;

		script_init(&s, c->body);
		cr_expect_eq(exec_plugin_run(&s.config, NULL, 700, NULL, &credential, &error),
			     c->message ? RC_UNAVAILABLE : RC_OK, "%s: %s", c->body, error.text);
		cr_expect(!c->message || strstr(error.text, c->message), "%s: %s", c->body, error.text);
		cr_expect_eq(count_children(), 0, "%s", c->body);
		exec_credential_clear(&credential);
		script_clear(&s);
	}
}

Test(exec_plugin, a_run_can_be_cancelled)
{
	atomic_bool stop = true;
	int64_t started_ms = clock_mono_ms();
	struct exec_credential credential = { 0 };
	struct error error = { 0 };
	struct script s;

	script_init(&s, "sleep 61");
	cr_expect_eq(exec_plugin_run(&s.config, NULL, 10000, &stop, &credential, &error), RC_UNAVAILABLE);
	cr_expect_neq(strstr(error.text, "cancelled"), NULL, "%s", error.text);
	cr_expect_lt(clock_mono_ms() - started_ms, 2000);
	script_clear(&s);
}

Test(exec_plugin, a_missing_plugin_has_its_install_hint_in_the_error)
{
	struct exec_credential credential = { 0 };
	struct error error = { 0 };
	struct script s;

	script_init(&s, "");
	free(s.config.exec.command);
	s.config.exec.command = str_dup("no-such-plugin-anywhere");
	cr_expect_eq(exec_plugin_run(&s.config, NULL, 1000, NULL, &credential, &error), RC_UNAVAILABLE);
	cr_expect_str_eq(error.text, "f: user 'u': exec plugin 'no-such-plugin-anywhere': cannot be started: "
				     "No such file or directory (searched in PATH): ask the platform team");
	script_clear(&s);
}

Test(exec_plugin, arguments_and_environment_are_passed_unchanged)
{
	char *args[] = { (char[]){ "a b" }, (char[]){ "$HOME;*" }, (char[]){ "" } };
	struct kubeconfig_pair env[] = { { (char[]){ "PLUGIN_A" }, (char[]){ "new value" } },
					 { (char[]){ "PLUGIN_B" }, (char[]){ "" } } };
	struct exec_credential credential = { 0 };
	struct error error = { 0 };
	struct script s;

	setenv("PLUGIN_A", "old", 1);
	setenv("PLUGIN_C", "kept", 1);
	script_init(&s, "[ $# = 3 ] && [ \"$1\" = 'a b' ] && [ \"$2\" = '$HOME;*' ] && [ -z \"$3\" ] || exit 1\n"
			"[ \"$PLUGIN_A\" = 'new value' ] && [ \"${PLUGIN_B-unset}\" = '' ] && [ $PLUGIN_C = kept ] || "
			"exit 2\n" PRINT_T);
	s.config.exec.args = (struct kubeconfig_list){ .items = args, .count = ARRAY_LEN(args) };
	s.config.exec.env = (struct kubeconfig_pairs){ .items = env, .count = ARRAY_LEN(env) };
	cr_expect_eq(exec_plugin_run(&s.config, NULL, 5000, NULL, &credential, &error), RC_OK, "%s", error.text);
	exec_credential_clear(&credential);
	script_clear(&s);
}
