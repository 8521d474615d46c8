/*
 * The context of a running operation: its resources and its reply.
 */
#ifndef KUBE_WORKER_OPERATION_OP_CALL_H
#define KUBE_WORKER_OPERATION_OP_CALL_H

#include "common/bus/bus_call.h"
#include "common/container/container_state.h"
#include "common/container/debt.h"
#include "common/container/etag.h"
#include "common/container/kube_cache.h"
#include "common/kube/kube_client.h"
#include "common/protocol.h"

#define OP_FAULTS_MAX 65536 /* bytes of the `errors` of a reply */

struct feed_count;
struct instance_watch;
struct ledger;

/* Shared by all operations, for the lifetime of the process. */
struct op_env {
	enum resource_type resource;
	const char *provider; /* SP_NAME */
	const char *namespace;
	const char *external_service_type;
	struct status_rules status_rules;
	struct kube_cache *cache;
	struct instance_watch *watch; /* of the cache, for streams */
	struct feed_count *feeds;
	struct kube_auth *auth;
	struct bus_caller *caller; /* for requests to JetStream and api-svc */
	struct ledger *ledger;
};

struct op_call {
	const struct op_env *env;
	struct kube_client *kube;        /* this thread's */
	struct kube_client *kube_beside; /* the same, for a thread that the operation starts and joins */
	int64_t deadline_ms;             /* clock_mono_ms(); limit of all Kubernetes calls */
	int attempt;                     /* attempt of the caller, 1, 2, ... */
	const char *request_id;
	const char *caller;           /* for permissions (permission.h); NULL: none, an api-svc of v0.1 */
	int64_t permitted_until_ms;   /* clock_mono_ms(); 0: no permission yet */
	struct buf faults;            /* on RC_INVALID_ARGUMENT: {"detail", "pointer"} objects, separated by commas */
	char debt[DEBT_KEY_MAX + 24]; /* of a successful create: PROTOCOL_HEADER_DEBT; "": already settled */
	char settle[PROTOCOL_SETTLE_MAX];
	char etag[CONTAINER_ETAG_MAX]; /* of the container in the result; "": none */
	bool refused;     /* the Kubernetes call that failed last: by a refusal, which would be the same again */
	bool keep_record; /* objects may still be created for it */
};

#endif
