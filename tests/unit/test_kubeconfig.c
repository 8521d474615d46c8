#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/strutil.h"
#include "common/kube/kube_headers.h"
#include "common/kube/kubeconfig.h"
#include "common/services/log.h"
#include "common/services/yaml.h"

#define FOLDER "tests/fixtures/kubeconfig/"

static void config_destroy_at(struct kubeconfig **config)
{
	kubeconfig_destroy(*config);
}
#define cleanup_config cleanup_with(config_destroy_at)

/* ---- whole files ------------------------------------------------------------------------------------------------- */

Test(kubeconfig, all_members_of_cluster_and_user_are_read)
{
	struct kubeconfig *c cleanup_config = NULL;
	struct error error = { 0 };

	cr_assert_eq(kubeconfig_load(FOLDER "full.yaml", &c, &error), RC_OK, "%s", error.text);
	cr_expect_str_eq(c->server, "https://kube.example:6443/prefix");
	cr_expect_str_eq(c->server_name, "kubernetes.default");
	cr_expect_null(c->ca_file, "data takes precedence over the file");
	cr_expect(str_has_prefix(c->ca_data, "-----BEGIN CERTIFICATE-----"));
	cr_expect_str_eq(c->proxy_url, "socks5://user:hidden@proxy.example:1080");
	cr_expect_str_eq(c->proxy, "socks5h://user:hidden@proxy.example:1080");
	cr_expect(c->disable_compression);
	cr_expect(!c->insecure);
	cr_expect_str_eq(c->exec_config, "{\"audience\":\"dcm\",\"depth\":2}");
	cr_expect_str_eq(c->cert_file, FOLDER "client.crt");
	cr_expect_str_eq(c->key_file, FOLDER "client.key");
	cr_expect_str_eq(c->token, "spare");
	cr_expect_str_eq(c->token_file, FOLDER "tokens/token");
	cr_expect_str_eq(c->as, "jane");
	cr_expect_str_eq(c->as_uid, "4711");
	cr_assert_eq(c->as_groups.count, 2);
	cr_expect_str_eq(c->as_groups.items[1], "2");
	cr_assert_eq(c->as_extra.count, 2);
	cr_expect_str_eq(c->as_extra.items[1].name, "dept/unit");
	cr_expect_str_eq(c->as_extra.items[1].value, "b");
	cr_expect_str_eq(c->cluster_place, FOLDER "full.yaml: cluster 'c'");
	cr_expect_str_eq(c->user_place, FOLDER "full.yaml: user 'u'");
}

Test(kubeconfig, all_members_of_a_plugin_are_read)
{
	static const char text[] = "{current-context: x, clusters: [{name: c, cluster: {server: 'https://h'}}],"
				   " contexts: [{name: x, context: {cluster: c, user: p}}],"
				   " users: [{name: p, user: {exec: {command: ./plugin.sh, args: [a, 'b c'],"
				   " apiVersion: client.authentication.k8s.io/v1beta1, installHint: hint,"
				   " env: [{name: A, value: b}, {name: C}], provideClusterInfo: true,"
				   " interactiveMode: Never}}}]}";
	struct kubeconfig_text file = { .path = "/etc/kube/config", .text = text, .len = strlen(text) };
	struct kubeconfig *c cleanup_config = NULL;
	struct error error = { 0 };

	cr_assert_eq(kubeconfig_parse(&file, 1, &c, &error), RC_OK, "%s", error.text);
	cr_expect_str_eq(c->exec.command, "/etc/kube/./plugin.sh");
	cr_expect_str_eq(c->exec.args.items[1], "b c");
	cr_expect_str_eq(c->exec.env.items[0].name, "A");
	cr_expect_str_eq(c->exec.env.items[1].value, "");
	cr_expect_str_eq(c->exec.install_hint, "hint");
	cr_expect(c->exec.provide_cluster_info);
}

Test(kubeconfig, of_several_files_the_first_entry_of_a_name_is_used_as_a_whole)
{
	struct kubeconfig *c cleanup_config = NULL;
	struct error error = { 0 };

	cr_assert_eq(kubeconfig_load(":" FOLDER "missing.yaml:" FOLDER "first.yaml::" FOLDER "second.yaml", &c, &error),
		     RC_OK, "%s", error.text);
	cr_expect_str_eq(c->server, "https://first.example");
	cr_expect(!c->insecure, "nothing is merged from the entry of the second file");
	cr_expect_str_eq(c->token, "second-token");
}

Test(kubeconfig, a_json_file_is_read)
{
	struct kubeconfig *c cleanup_config = NULL;
	struct kubeconfig_list headers = { 0 };
	struct error error = { 0 };

	cr_assert_eq(kubeconfig_load(FOLDER "config.json", &c, &error), RC_OK, "%s", error.text);
	cr_expect_str_eq(c->server, "https://127.0.0.1:8443");
	cr_assert_eq(kube_headers_compose(c, &headers, &error), RC_OK);
	cr_assert_eq(headers.count, 1);
	cr_expect_str_eq(headers.items[0], "Authorization: Basic amltOm9wZW4gc2VzYW1l");
	kube_headers_clear(&headers);
}

Test(kubeconfig, impersonation_is_sent_as_headers)
{
	static const char *const expected[] = {
		"Impersonate-User: jane",           "Impersonate-Uid: 4711",
		"Impersonate-Group: developers",    "Impersonate-Group: 2",
		"Impersonate-Extra-dept%2Funit: a", "Impersonate-Extra-dept%2Funit: b",
	};
	struct kubeconfig *c cleanup_config = NULL;
	struct kubeconfig_list headers = { 0 };

	cr_assert_eq(kubeconfig_load(FOLDER "full.yaml", &c, NULL), RC_OK);
	cr_assert_eq(kube_headers_compose(c, &headers, NULL), RC_OK);
	cr_assert_eq(headers.count, ARRAY_LEN(expected));
	for (size_t i = 0; i < headers.count; i++)
		cr_expect_str_eq(headers.items[i], expected[i]);
	kube_headers_clear(&headers);
}

struct load_case {
	const char *paths;
	enum rc rc;
	const char *text; /* a part of the message */
};

static const struct load_case load_cases[] = {
	{ FOLDER "missing.yaml", RC_NOT_FOUND, "missing.yaml: No such file" },
	{ FOLDER "missing.yaml:" FOLDER "gone.yaml", RC_NOT_FOUND, "none of these files exists" },
	{ "::", RC_NOT_FOUND, "none" },
	{ FOLDER, RC_INVALID_ARGUMENT, "not a regular file" },
	{ FOLDER "README.md", RC_INVALID_ARGUMENT, "README.md" },
	{ FOLDER "client.key", RC_INVALID_ARGUMENT, "client.key" },
	{ FOLDER "first.yaml", RC_INVALID_ARGUMENT, "current-context is not set" },
	{ "/dev/null", RC_INVALID_ARGUMENT, "not a regular file" },
};

Test(kubeconfig, unusable_files_are_rejected)
{
	for (size_t i = 0; i < ARRAY_LEN(load_cases); i++) {
		const struct load_case *c = &load_cases[i];
		struct kubeconfig *config = NULL;
		struct error error = { 0 };

		cr_expect_eq(kubeconfig_load(c->paths, &config, &error), c->rc, "%s: %s", c->paths, error.text);
		cr_expect_neq(strstr(error.text, c->text), NULL, "%s: %s", c->paths, error.text);
		cr_expect_null(config);
	}
}

/* ---- members ----------------------------------------------------------------------------------------------------- */

/* The contents of the only cluster and the only user, and a part of the message; NULL: valid. */
struct member_case {
	const char *cluster;
	const char *user;
	const char *text;
};

#define HTTPS "server: 'https://h'"
#define PLUGIN "command: p, apiVersion: client.authentication.k8s.io/v1"

static const struct member_case member_cases[] = {
	{ HTTPS, "", NULL },
	{ HTTPS, "token: null, as-groups: null, exec: null, username: ''", NULL },
	{ HTTPS, "unknown: {}, token: t", NULL },
	{ HTTPS, "token: t, exec: {" PLUGIN "}", NULL },
	{ HTTPS, "password: only", NULL },
	{ HTTPS, "username: 'a:b', password: secret", NULL },
	{ "server: 'http://[::1]:8080/a/b'", "", NULL },
	{ HTTPS ", insecure-skip-tls-verify: true", "", NULL },
	{ HTTPS ", insecure-skip-tls-verify: false, certificate-authority: x", "", NULL },
	{ HTTPS ", certificate-authority-data: ''", "", NULL },
	{ HTTPS ", certificate-authority-data: \"Z g\\n= =\\n\"", "", NULL },
	{ HTTPS ", proxy-url: 'https://proxy:3128'", "", NULL },
	/* server */
	{ "", "", "cluster 'c': server is missing" },
	{ "server: ''", "", "server is missing" },
	{ "server: 6443", "", "server must be a string, but it is a number (quote it)" },
	{ "server: 'ftp://h'", "", "must begin with https:// or http://" },
	{ "server: 'https://'", "", "server must be a URL" },
	{ "server: 'https:///'", "", "server must be a URL" },
	{ "server: 'https://h:'", "", "server must be a URL" },
	{ "server: 'https://h:0'", "", "server must be a URL" },
	{ "server: 'https://h:65536'", "", "server must be a URL" },
	{ "server: 'https://h:6443x'", "", "server must be a URL" },
	{ "server: 'https://::1'", "", "server must be a URL" },
	{ "server: 'https://[::1'", "", "server must be a URL" },
	{ "server: 'https://u:secret@h'", "", "server must be a URL" },
	{ "server: 'h:6443/a'", "", "server must be a URL" },
	{ "server: '/a'", "", "server must be a URL" },
	{ "server: \"https://h\\r\\nX: y\"", "", "server must be a URL" },
	/* the rest of the cluster */
	{ HTTPS ", insecure-skip-tls-verify: true, certificate-authority: x", "", "exclude each other" },
	{ HTTPS ", insecure-skip-tls-verify: true, certificate-authority-data: eA==", "", "exclude each other" },
	{ HTTPS ", insecure-skip-tls-verify: 'true'", "", "must be true or false, but it is a string" },
	{ HTTPS ", disable-compression: 1", "", "disable-compression must be true or false" },
	{ HTTPS ", certificate-authority-data: '%%%%'", "", "certificate-authority-data is not base64" },
	{ HTTPS ", certificate-authority-data: '-----BEGIN CERTIFICATE-----'", "", "unencoded PEM" },
	{ HTTPS ", certificate-authority-data: AAAA", "", "binary data" },
	{ HTTPS ", certificate-authority-data: [x]", "", "must be a string, but it is a list" },
	{ HTTPS ", tls-server-name: 'a b'", "", "tls-server-name is not a host name" },
	{ HTTPS ", tls-server-name: 'a/b'", "", "tls-server-name is not a host name" },
	{ HTTPS ", proxy-url: 'proxy:3128'", "", "proxy-url must be a URL" },
	{ HTTPS ", proxy-url: 'socks4://secret@p'", "", "proxy-url must be a URL" },
	{ HTTPS ", proxy-url: 'http://'", "", "proxy-url must be a URL" },
	{ HTTPS ", extensions: {}", "", "extensions must be a list" },
	/* user */
	{ HTTPS, "token: 4711", "user 'u': token must be a string, but it is a number (quote it)" },
	{ HTTPS, "token: {secret: 1}", "token must be a string, but it is a mapping" },
	{ HTTPS, "token: \"secret\\nX: y\"", "token contains a line break" },
	{ HTTPS, "token: secret, username: u", "token and username exclude each other" },
	{ HTTPS, "tokenFile: f, password: secret", "exclude each other" },
	{ HTTPS, "password: \"secret\\n\"", "password contains a line break" },
	{ HTTPS, "client-certificate: f", "client-key is missing" },
	{ HTTPS, "client-key-data: 'secret!'", "client-key-data is not base64" },
	{ HTTPS, "as-groups: [a]", "require as" },
	{ HTTPS, "as-uid: a", "require as" },
	{ HTTPS, "as: a, as-groups: b", "as-groups must be a list of strings, but it is a string" },
	{ HTTPS, "as: a, as-groups: [b, 7]", "as-groups[1] must be a string, but it is a number" },
	{ HTTPS, "as: a, as-groups: [\"b\\rc\"]", "as-groups contains a line break" },
	{ HTTPS, "as: a, as-user-extra: {k: v}", "as-user-extra must be a mapping to lists of strings" },
	{ HTTPS, "as: a, as-user-extra: [k]", "as-user-extra must be a mapping to lists of strings" },
	{ HTTPS, "as: a, as-user-extra: {k: [1]}", "as-user-extra must be a mapping to lists of strings" },
	{ HTTPS, "auth-provider: {name: oidc}", "auth-provider 'oidc' is not supported" },
	/* plugin */
	{ HTTPS, "exec: p", "exec must be a mapping, but it is a string" },
	{ HTTPS, "exec: {}", "exec.command is missing" },
	{ HTTPS, "exec: {command: p}", "exec.apiVersion is missing" },
	{ HTTPS, "exec: {command: p, apiVersion: client.authentication.k8s.io/v1alpha1}", "must be client.auth" },
	{ HTTPS, "exec: {" PLUGIN ", interactiveMode: Always}", "interactiveMode Always" },
	{ HTTPS, "exec: {" PLUGIN ", interactiveMode: Perhaps}", "interactiveMode must be" },
	{ HTTPS, "exec: {" PLUGIN ", args: [1]}", "exec.args[0] must be a string" },
	{ HTTPS, "exec: {" PLUGIN ", env: {A: b}}", "exec.env must be a list" },
	{ HTTPS, "exec: {" PLUGIN ", env: [{value: secret}]}", "exec.env[0] needs a name" },
	{ HTTPS, "exec: {" PLUGIN ", env: [{name: A=B}]}", "exec.env[0] needs a name" },
	{ HTTPS, "exec: {" PLUGIN ", env: [{name: A, value: 1}]}", "the value of exec.env[0] must be a string" },
};

static enum rc parse_text(const char *text, struct error *err)
{
	struct kubeconfig_text file = { .path = "f", .text = text, .len = strlen(text) };
	struct kubeconfig *config cleanup_config = NULL;

	return kubeconfig_parse(&file, 1, &config, err);
}

Test(kubeconfig, members_are_validated)
{
	for (size_t i = 0; i < ARRAY_LEN(member_cases); i++) {
		const struct member_case *c = &member_cases[i];
		struct buf text cleanup_buf = buf_make(4096);
		struct error error = { 0 };
		enum rc rc;

		buf_addf(&text,
			 "{current-context: x, contexts: [{name: x, context: {cluster: c, user: u}}],"
			 " clusters: [{name: c, cluster: {%s}}], users: [{name: u, user: {%s}}]}",
			 c->cluster, c->user);
		rc = parse_text(text.data, &error);
		cr_expect_eq(rc, c->text ? RC_INVALID_ARGUMENT : RC_OK, "{%s} {%s}: %s", c->cluster, c->user,
			     error.text);
		if (!c->text)
			continue;
		cr_expect_neq(strstr(error.text, c->text), NULL, "{%s} {%s}: %s", c->cluster, c->user, error.text);
		cr_expect(str_has_prefix(error.text, "f: "), "without the name of the file: %s", error.text);
		cr_expect_null(strstr(error.text, "secret"), "with a secret: %s", error.text);
	}
}

/* ---- the document -------------------------------------------------------------------------------------------------*/

struct document_case {
	const char *text;
	const char *message;
};

static const struct document_case document_cases[] = {
	{ "[1]", "f is not a kubeconfig: it is a list" },
	{ "hello", "f is not a kubeconfig: it is a string" },
	{ "kind: Pod", "its kind must be Config" },
	{ "apiVersion: v2", "its apiVersion must be v1" },
	{ "{a: 1", "f: line" },
	{ "current-context: 1", "current-context must be a string" },
	{ "clusters: {}", "clusters must be a list, but it is a mapping" },
	{ "users: [{name: 7}]", "users[0] needs a name" },
	{ "users: [7]", "users[0] needs a name" },
	{ "users: [{}, {name: a}, null]", "duplicate user ''" },
	{ "users: [{name: a}, {name: b}, {name: a}]", "duplicate user 'a'" },
	{ "contexts: [{name: a}, {name: b}]", "current-context is not set (kubectl config use-context NAME); "
					      "existing contexts: 'a', 'b'" },
	{ "current-context: z", "current-context is 'z', but there is no such context; existing contexts: none" },
	{ "{current-context: a, contexts: [{name: a}]}", "context 'a' has no cluster" },
	{ "{current-context: a, contexts: [{name: a, context: {cluster: 7}}]}", "context 'a' has no cluster" },
	{ "{current-context: a, contexts: [{name: a, context: {cluster: c, user: 7}}], clusters: [{name: c}]}",
	  "the user of context 'a' must be a string" },
	{ "{current-context: a, contexts: [{name: a, context: {cluster: c, user: u}}], clusters: [{name: d}]}",
	  "context 'a' refers to the cluster 'c', which does not exist; existing clusters: 'd'" },
	{ "{current-context: a, contexts: [{name: a, context: {cluster: c, user: u}}], clusters: [{name: c, cluster: "
	  "1}],"
	  " users: [{name: u}]}",
	  "cluster must be a mapping, but it is a number" },
};

Test(kubeconfig, invalid_documents_are_rejected)
{
	for (size_t i = 0; i < ARRAY_LEN(document_cases); i++) {
		struct error error = { 0 };

		cr_expect_eq(parse_text(document_cases[i].text, &error), RC_INVALID_ARGUMENT, "%s",
			     document_cases[i].text);
		cr_expect_neq(strstr(error.text, document_cases[i].message), NULL, "%s: %s", document_cases[i].text,
			      error.text);
	}
}

static const struct {
	const char *cluster;
	const char *user;
	const char *server; /* the resulting URL */
} server_rows[] = {
	{ "server: 'https://h/'", "", "https://h" },
	{ "server: 'HTTPS://h:6443'", "", "https://h:6443" },
	{ "server: 'Http://h'", "", "http://h" },
	{ "server: 'h:6443'", "", "http://h:6443" },
	{ "server: localhost", "", "http://localhost" },
	{ "server: '[::1]:6443/'", "", "http://[::1]:6443" },
	{ "server: 'h:6443', insecure-skip-tls-verify: true", "", "http://h:6443" },
	{ "server: h, certificate-authority: f", "", "http://h" },
	{ "server: 'https://h/k8s/clusters/c-1/'", "", "https://h/k8s/clusters/c-1" },
	{ "server: 'https://h/a//?b=c#d'", "", "https://h/a" },
	{ "server: 'https://h?b=/'", "", "https://h" },
};

Test(kubeconfig, a_server_is_normalized_like_kubectl_does)
{
	for (size_t i = 0; i < ARRAY_LEN(server_rows); i++) {
		struct buf text cleanup_buf = buf_make(4096);
		struct kubeconfig_text file = { .path = "f" };
		struct kubeconfig *config cleanup_config = NULL;
		struct error error = { 0 };

		buf_addf(&text,
			 "{current-context: x, contexts: [{name: x, context: {cluster: c, user: u}}],"
			 " clusters: [{name: c, cluster: {%s}}], users: [{name: u, user: {%s}}]}",
			 server_rows[i].cluster, server_rows[i].user);
		file.text = text.data;
		file.len = text.len;
		cr_assert_eq(kubeconfig_parse(&file, 1, &config, &error), RC_OK, "{%s}: %s", server_rows[i].cluster,
			     error.text);
		cr_expect_str_eq(config->server, server_rows[i].server, "{%s}", server_rows[i].cluster);
	}
}

static const char *const anonymous_contexts[] = { "cluster: c", "cluster: c, user: ''", "cluster: c, user: null",
						  "cluster: c, user: gone" };

Test(kubeconfig, without_a_user_no_credentials_are_sent)
{
	log_init("test", LOG_ERROR);
	for (size_t i = 0; i < ARRAY_LEN(anonymous_contexts); i++) {
		struct buf text cleanup_buf = buf_make(4096);
		struct kubeconfig_text file = { .path = "f" };
		struct kubeconfig *config cleanup_config = NULL;
		struct kubeconfig_list headers = { 0 };
		struct error error = { 0 };

		buf_addf(&text,
			 "{current-context: x, contexts: [{name: x, context: {%s}}],"
			 " clusters: [{name: c, cluster: {" HTTPS "}}], users: [{name: u, user: {token: t}}]}",
			 anonymous_contexts[i]);
		file.text = text.data;
		file.len = text.len;
		cr_assert_eq(kubeconfig_parse(&file, 1, &config, &error), RC_OK, "{%s}: %s", anonymous_contexts[i],
			     error.text);
		cr_expect_eq(kube_headers_compose(config, &headers, NULL), RC_OK);
		cr_expect_eq(headers.count, 0, "{%s}", anonymous_contexts[i]);
		cr_expect_null(config->token);
		kube_headers_clear(&headers);
	}
}

Test(kubeconfig, without_tls_only_impersonation_is_sent)
{
	static const char text[] = "{current-context: x, contexts: [{name: x, context: {cluster: c, user: u}}],"
				   " clusters: [{name: c, cluster: {server: 'http://h'}}],"
				   " users: [{name: u, user: {token: t, tokenFile: f, client-certificate: f,"
				   " client-key-data: eA==, as: jane, exec: {" PLUGIN "}}}]}";
	struct kubeconfig_text file = { .path = "f", .text = text, .len = strlen(text) };
	struct kubeconfig *c cleanup_config = NULL;
	struct kubeconfig_list headers = { 0 };

	log_init("test", LOG_ERROR);
	cr_assert_eq(kubeconfig_parse(&file, 1, &c, NULL), RC_OK);
	cr_expect(!c->token && !c->token_file && !c->cert_file && !c->key_data && !c->exec.command);
	cr_assert_eq(kube_headers_compose(c, &headers, NULL), RC_OK);
	cr_assert_eq(headers.count, 1);
	cr_expect_str_eq(headers.items[0], "Impersonate-User: jane");
	kube_headers_clear(&headers);
}

#define MANY 40000
#define MANY_MS 3000 /* a quadratic search took 17 s */

Test(kubeconfig, many_clusters_are_parsed_in_linear_time)
{
	struct buf text cleanup_buf = buf_make(YAML_TEXT_MAX);
	int64_t started_ms = clock_mono_ms();
	struct error error = { 0 };

	buf_add_str(&text, "current-context: x\ncontexts: [{name: x, context: {cluster: c7, user: ''}}]\nclusters:\n");
	for (int i = 0; i < MANY; i++)
		buf_addf(&text, "- {name: c%d, cluster: {" HTTPS "}}\n", i);
	cr_expect_eq(parse_text(text.data, &error), RC_OK, "%s", error.text);
	buf_add_str(&text, "- {name: c7}\n");
	cr_expect_eq(parse_text(text.data, &error), RC_INVALID_ARGUMENT);
	cr_expect_neq(strstr(error.text, "duplicate cluster 'c7'"), NULL, "%s", error.text);
	cr_expect_lt(clock_mono_ms() - started_ms, MANY_MS);
}

Test(kubeconfig, too_many_headers_are_rejected)
{
	struct buf text cleanup_buf = buf_make(4096);
	struct kubeconfig *config cleanup_config = NULL;
	struct kubeconfig_list headers = { 0 };
	struct kubeconfig_text file = { .path = "f" };
	struct error error = { 0 };

	buf_add_str(&text,
		    "{current-context: x, contexts: [{name: x, context: {cluster: c, user: u}}],"
		    " clusters: [{name: c, cluster: {" HTTPS "}}], users: [{name: u, user: {as: a, as-groups: [");
	for (int i = 0; i < KUBE_HEADERS_MAX; i++)
		buf_addf(&text, "g%d, ", i);
	buf_add_str(&text, "]}}]}");
	file.text = text.data;
	file.len = text.len;
	cr_assert_eq(kubeconfig_parse(&file, 1, &config, &error), RC_OK, "%s", error.text);
	cr_expect_eq(kube_headers_compose(config, &headers, &error), RC_INVALID_ARGUMENT);
	cr_expect_neq(strstr(error.text, "as-groups"), NULL, "%s", error.text);
	kube_headers_clear(&headers);
}
