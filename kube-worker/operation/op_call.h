/*
 * One operation that is being carried out: what it may use, and what it answers.
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

/* The same for all operations, for the life of the process. */
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
	struct bus_caller *caller; /* for questions to JetStream and to api-svc */
	struct ledger *ledger;
};

struct op_call {
	const struct op_env *env;
	struct kube_client *kube; /* this thread's */
	struct kube_client *
		kube_beside; /* the same, for a thread that the operation starts and joins; of the dispatcher's calls */
	int64_t deadline_ms; /* clock_mono_ms(); no Kubernetes call begins or lasts beyond it */
	int attempt;         /* 1, 2, ...: how often the caller has sent the same */
	const char *request_id;
	const char *caller;           /* who gives permissions (permission.h); NULL: none, an api-svc of v0.1 */
	int64_t permitted_until_ms;   /* clock_mono_ms(); 0: there was no permission yet */
	struct buf faults;            /* on RC_INVALID_ARGUMENT: {"detail", "pointer"} objects, separated by commas */
	char debt[DEBT_KEY_MAX + 24]; /* of a create that went well: PROTOCOL_HEADER_DEBT; "": settled already */
	char settle[PROTOCOL_SETTLE_MAX];
	char etag[CONTAINER_ETAG_MAX]; /* of the container that the result shows; "": it shows none */
	bool refused;     /* the Kubernetes call that failed last: by a refusal, which would be the same again */
	bool keep_record; /* something may still come into being for it */
};

#endif
