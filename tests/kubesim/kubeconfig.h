/*
 * Kubeconfig for this server.
 */
#ifndef KUBESIM_KUBECONFIG_H
#define KUBESIM_KUBECONFIG_H

#include "common/base/error.h"
#include "tests/kubesim/options.h"

/* Write it atomically. The certificate of the server is self-signed. */
enum rc sim_kubeconfig_write(const struct sim_options *options, unsigned port, struct error *err) must_check;

#endif
