#include "tests/kubesim/options.h"

#include <stdio.h>
#include <string.h>

#include "common/base/compiler.h"
#include "common/base/strutil.h"

enum option_type { OPTION_TEXT, OPTION_NUMBER, OPTION_LIST };

struct option_row {
	const char *name; /* without the dashes */
	enum option_type type;
	size_t offset;
	const char *fallback; /* NULL: none */
	int64_t min;
	const char *argument;
	const char *help;
};

#define AT(member) offsetof(struct sim_options, member)

/* clang-format off */
static const struct option_row rows[] = {
	{ "listen", OPTION_TEXT, AT(listen), "127.0.0.1:0", 0, "HOST:PORT", "Where to serve; port 0: any free one" },
	{ "tls-cert", OPTION_TEXT, AT(tls_cert), NULL, 0, "FILE", "Serve HTTPS with this certificate (PEM)" },
	{ "tls-key", OPTION_TEXT, AT(tls_key), NULL, 0, "FILE", "Its private key (PEM)" },
	{ "token", OPTION_TEXT, AT(token), NULL, 0, "TOKEN", "Accept this bearer token, and nobody without one" },
	{ "write-kubeconfig", OPTION_TEXT, AT(kubeconfig), NULL, 0, "FILE", "Write a kubeconfig for this server there" },
	{ "namespace", OPTION_LIST, AT(namespaces), NULL, 0, "NAME", "Create this namespace too; may be repeated" },
	{ "pod-start-ms", OPTION_NUMBER, AT(pod_start_ms), "300", 0, "N", "From a Pod's creation to Running" },
	{ "pod-stop-ms", OPTION_NUMBER, AT(pod_stop_ms), "300", 0, "N", "How long a deleted Pod stays Terminating" },
	{ "lb-delay-ms", OPTION_NUMBER, AT(lb_delay_ms), "500", -1, "N", "When a LoadBalancer gets its address; -1: never" },
	{ "gc-delay-ms", OPTION_NUMBER, AT(gc_delay_ms), "50", 0, "N", "How long an object outlives its owner" },
	{ "bookmark-ms", OPTION_NUMBER, AT(bookmark_ms), "60000", 1, "N", "Between the bookmarks of a watch" },
	{ "history", OPTION_NUMBER, AT(history), "10000", 1, "N", "Changes of each kind that a watch can go back" },
};
/* clang-format on */

static void print_help(void)
{
	printf("kubesim: a SIMULATOR of a Kubernetes API server, for tests\n\n");
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		printf("  --%s %s\n\t%s%s%s%s\n", rows[i].name, rows[i].argument, rows[i].help,
		       rows[i].fallback ? " (default " : "", rows[i].fallback ? rows[i].fallback : "",
		       rows[i].fallback ? ")" : "");
}

static const struct option_row *find_row(const char *name, size_t len)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (strlen(rows[i].name) == len && strncmp(rows[i].name, name, len) == 0)
			return &rows[i];
	return NULL;
}

static bool add_to_list(const char **list, const char *value)
{
	size_t count = 0;

	while (list[count])
		count++;
	if (count == OPTION_NAMESPACES_MAX)
		return false;
	list[count] = value;
	return true;
}

static bool set_value(struct sim_options *o, const struct option_row *row, const char *value)
{
	char *member = (char *)o + row->offset;
	int64_t number;

	switch (row->type) {
	case OPTION_TEXT:
		*(const char **)(void *)member = value;
		return true;
	case OPTION_NUMBER:
		if (!str_parse_int64(value, &number) || number < row->min)
			return false;
		*(int64_t *)(void *)member = number;
		return true;
	case OPTION_LIST:
		return add_to_list((const char **)(void *)member, value);
	}
	return false;
}

static bool read_one(struct sim_options *o, int argc, char **argv, int *at)
{
	const char *name = argv[*at] + 2;
	const char *equals = strchr(name, '=');
	const struct option_row *row = find_row(name, equals ? (size_t)(equals - name) : strlen(name));
	const char *value = equals ? equals + 1 : NULL;

	if (strncmp(argv[*at], "--", 2) != 0 || !row) {
		fprintf(stderr, "kubesim: unknown option '%s' (see --help)\n", argv[*at]);
		return false;
	}
	if (!value && *at + 1 < argc)
		value = argv[++*at];
	if (!value || !set_value(o, row, value)) {
		fprintf(stderr, "kubesim: --%s: wrong or missing value\n", row->name);
		return false;
	}
	return true;
}

enum sim_options_next sim_options_read(int argc, char **argv, struct sim_options *ret)
{
	*ret = (struct sim_options){ 0 };
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (rows[i].fallback)
			set_value(ret, &rows[i], rows[i].fallback);
	for (int at = 1; at < argc; at++) {
		if (strcmp(argv[at], "--help") == 0) {
			print_help();
			return OPTIONS_EXIT_OK;
		}
		if (!read_one(ret, argc, argv, &at))
			return OPTIONS_EXIT_BAD;
	}
	if (!ret->tls_cert != !ret->tls_key) {
		fprintf(stderr, "kubesim: --tls-cert and --tls-key belong together\n");
		return OPTIONS_EXIT_BAD;
	}
	return OPTIONS_RUN;
}
