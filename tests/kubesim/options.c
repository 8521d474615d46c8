#include "tests/kubesim/options.h"

#include <getopt.h>
#include <stdio.h>

#include "common/base/compiler.h"
#include "common/base/strutil.h"

struct option_row {
	const char *name; /* without the dashes */
	bool is_number;   /* else a text */
	size_t offset;
	const char *fallback; /* NULL: none */
	const char *help;
};

#define AT(member) offsetof(struct sim_options, member)

/* clang-format off */
static const struct option_row rows[] = {
	{ "listen", false, AT(listen), "127.0.0.1:0", "HOST:PORT\tListen address; port 0: any free port" },
	{ "tls-cert", false, AT(tls_cert), NULL, "FILE\tServe HTTPS with this certificate (PEM)" },
	{ "tls-key", false, AT(tls_key), NULL, "FILE\tIts private key (PEM)" },
	{ "token", false, AT(token), NULL, "TOKEN\tAccept this bearer token, and require it" },
	{ "write-kubeconfig", false, AT(kubeconfig), NULL, "FILE\tWrite a kubeconfig for this server there" },
	{ "namespace", false, AT(namespace), NULL, "NAME\tCreate this namespace too" },
	{ "pod-start-ms", true, AT(pod_start_ms), "300", "N\tFrom a Pod's creation to Running" },
	{ "pod-stop-ms", true, AT(pod_stop_ms), "300", "N\tHow long a deleted Pod stays Terminating" },
	{ "lb-delay-ms", true, AT(lb_delay_ms), "500", "N\tUntil a LoadBalancer gets its address; -1: never" },
	{ "bookmark-ms", true, AT(bookmark_ms), "60000", "N\tBetween the bookmarks of a watch" },
	{ "metrics-ms", true, AT(metrics_ms), "1000", "N\tFrom a Pod's creation until its usage is measured" },
	{ "log-ms", true, AT(log_ms), "1000", "N\tBetween the log lines of a container; 0: no lines" },
	{ "history", true, AT(history), "10000", "N\tChanges kept per kind, for watches" },
};
/* clang-format on */

static void print_help(void)
{
	printf("kubesim: a SIMULATOR of a Kubernetes API server, for tests\n\n");
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		printf("  --%s %s (default: %s)\n", rows[i].name, rows[i].help,
		       rows[i].fallback ? rows[i].fallback : "none");
}

static bool set_value(struct sim_options *o, const struct option_row *row, const char *value)
{
	void *member = (char *)o + row->offset;

	if (row->is_number)
		return str_parse_int64(value, member);
	*(const char **)member = value;
	return true;
}

enum sim_options_next sim_options_read(int argc, char **argv, struct sim_options *ret)
{
	struct option known[ARRAY_LEN(rows) + 2] = { { "help", no_argument, NULL, 'h' } };
	int found = 0;

	*ret = (struct sim_options){ 0 };
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		known[i + 1] = (struct option){ rows[i].name, required_argument, NULL, (int)i };
		if (rows[i].fallback)
			set_value(ret, &rows[i], rows[i].fallback);
	}
	while ((found = getopt_long(argc, argv, "", known, NULL)) != -1) {
		if (found == 'h') {
			print_help();
			return OPTIONS_EXIT_OK;
		}
		if (found == '?')
			return OPTIONS_EXIT_BAD; /* reported by getopt */
		if (!set_value(ret, &rows[found], optarg)) {
			fprintf(stderr, "kubesim: --%s: invalid value\n", rows[found].name);
			return OPTIONS_EXIT_BAD;
		}
	}
	if (optind < argc || !ret->tls_cert != !ret->tls_key || ret->history < 1 || ret->bookmark_ms < 1) {
		fprintf(stderr, "kubesim: conflicting options; try --help\n");
		return OPTIONS_EXIT_BAD;
	}
	return OPTIONS_RUN;
}
