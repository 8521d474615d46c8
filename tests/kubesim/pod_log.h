/*
 * What containers say: a line every --log-ms from their start, or what a test has them say instead. pods/log shows it
 * as the API server and a kubelet do.
 */
#ifndef KUBESIM_POD_LOG_H
#define KUBESIM_POD_LOG_H

#include "common/base/buf.h"
#include "common/base/error.h"

/*
 * POST /sim/logs {"uid" of a Pod, "container", "run": n?, "base64": bytes}: say it now, in lines; from then on nothing
 * else. Errors: RC_INVALID_ARGUMENT.
 */
enum rc sim_pod_log_say(const struct buf *request, struct error *err) must_check;

#endif
