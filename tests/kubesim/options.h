/*
 * The command line.
 */
#ifndef KUBESIM_OPTIONS_H
#define KUBESIM_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sim_options {
	const char *listen;
	const char *tls_cert;
	const char *tls_key;
	const char *token;
	const char *kubeconfig;
	int64_t pod_start_ms;
	int64_t pod_stop_ms;
	int64_t lb_delay_ms; /* -1: never */
	int64_t bookmark_ms;
	int64_t metrics_ms;
	int64_t log_ms;
	int64_t history;       /* changes kept for each kind */
	const char *namespace; /* NULL: only the usual one */
};

enum sim_options_next { OPTIONS_RUN, OPTIONS_EXIT_OK, OPTIONS_EXIT_BAD };

/* Read the command line. Prints the help to stdout, and errors to stderr. Values are borrowed from argv. */
enum sim_options_next sim_options_read(int argc, char **argv, struct sim_options *ret);

#endif
