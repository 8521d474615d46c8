/*
 * The kubeconfig that leads to this server.
 */
#ifndef KUBESIM_KUBECONFIG_H
#define KUBESIM_KUBECONFIG_H

#include "common/base/error.h"
#include "tests/kubesim/options.h"

/* The whole of a file; the caller frees it. */
enum rc sim_file_read(const char *path, char **ret_text, struct error *err) must_check;

/* Replace a file at once: nobody sees half of it. */
enum rc sim_file_write(const char *path, const char *text, struct error *err) must_check;

/*
 * Write it. cert_pem: the server's certificate (taken as its own authority), NULL without TLS.
 */
enum rc sim_kubeconfig_write(const struct sim_options *options, unsigned port, struct error *err) must_check;

#endif
