/*
 * The kubeconfig that leads to this server.
 */
#ifndef KUBESIM_KUBECONFIG_H
#define KUBESIM_KUBECONFIG_H

#include "common/base/error.h"
#include "tests/kubesim/options.h"

/* Write it at once: never half of it. The server's certificate is its own authority. */
enum rc sim_kubeconfig_write(const struct sim_options *options, unsigned port, struct error *err) must_check;

#endif
