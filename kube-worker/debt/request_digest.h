/*
 * Digest of a spec, to compare repeated requests, regardless of the order of members.
 */
#ifndef KUBE_WORKER_DEBT_REQUEST_DIGEST_H
#define KUBE_WORKER_DEBT_REQUEST_DIGEST_H

#include "common/services/json.h"

#define REQUEST_DIGEST_MAX 65 /* bytes of a digest with its NUL */

/* Write hex(SHA-256) of the tree in a canonical form. Errors: RC_NO_MEMORY, RC_TOO_LARGE, RC_INTERNAL. */
enum rc request_digest(const cJSON *tree, char out[REQUEST_DIGEST_MAX], struct error *err) must_check;

#endif
