/*
 * Container logs: a line every --log-ms, or the output set by a test. pods/log serves them like the API server and a
 * kubelet.
 */
#ifndef KUBESIM_POD_LOG_H
#define KUBESIM_POD_LOG_H

#include "common/base/buf.h"
#include "common/base/error.h"

/*
 * POST /sim/logs {"uid" of a Pod, "container", "run": n?, "base64": bytes}: output this text now; disables the default
 * output. Errors: RC_INVALID_ARGUMENT.
 */
enum rc sim_pod_log_say(const struct buf *request, struct error *err) must_check;

#endif
