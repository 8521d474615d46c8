/*
 * The few facts that we keep of a Kubernetes object: some hundred bytes in one block, instead of kilobytes of JSON.
 * One shape for all kinds, so that a cache and an informer need not know them.
 */
#ifndef COMMON_CONTAINER_KUBE_FACTS_H
#define COMMON_CONTAINER_KUBE_FACTS_H

#include <inttypes.h>
#include <stdbool.h>

#include "common/kube/kube_path.h"
#include "common/services/json.h"

#define FACT_MESSAGE_MAX 240              /* bytes of a message human-readable that are kept */
#define FACT_PORT_FORM " %" PRId64 "/%s " /* of a port in external_ports */
#define FACT_PORT_MAX 48
#define FACT_ALL_PORTS "*"
#define FACT_OWED_TO_MAX 512 /* bytes of a reply subject with its NUL; what is longer is none */
#define KUBE_UID_TEXT_MAX 37 /* bytes of a uid with its NUL */

/* Kubernetes' uids are UUIDs (apimachinery pkg/util/uuid); as bytes they take half the room. All zero: none. */
struct kube_uid {
	uint8_t bytes[16];
};

enum pod_phase { POD_PENDING, POD_RUNNING, POD_SUCCEEDED, POD_FAILED, POD_UNKNOWN };

struct fact {
	enum kube_kind kind;
	enum pod_phase phase; /* Pod */
	bool deleting;        /* has a deletionTimestamp */
	bool node_lost;       /* Pod: its node no longer reports */
	bool made_here;       /* root: has our creation token, and its name is the instance id */
	bool stopped;         /* root: has no replicas because we have stopped it */
	bool stop_is_over;    /* root: we had stopped it, and others have scaled it up */
	unsigned wanted;      /* root: the roles that its spec wants beside it (workload.h), as bits */
	uint64_t token;       /* root: a hash of its creation token; 0: it has none */
	int32_t replicas;     /* root: spec.replicas */
	int32_t revision;     /* ReplicaSet, ControllerRevision, Deployment: its number; 0: unknown */
	/*
	 * The rollout that it belongs to, 0: unknown. ReplicaSet: the number, which counts up; StatefulSet,
	 * ControllerRevision, and the Pod of a StatefulSet: a hash of the ControllerRevision's name.
	 */
	uint64_t rollout;
	uint32_t bytes; /* of the whole block */
	struct kube_uid uid;
	struct kube_uid
		owner; /* the controller of a Pod, ReplicaSet or ControllerRevision, the first owner of a Service */
	int64_t created_ms; /* wall clock */
	int64_t changed_ms; /* newest condition transition; created_ms when there is none */
	/* clock_mono_ms(): since when the Pod is Failed or a Deployment has ReplicaFailure=True; 0: it has not */
	int64_t failed_ms;
	const char *name;
	const char *instance_id; /* "" when the label is missing */
	const char *ip;          /* Pod: its address, "" while it has none */
	const char *message;     /* Pod, root: human-readable, "" when there is nothing to say */
	const char *problem;     /* root: ANNOTATION_PROBLEM; "" when there is none */
	const char *owed_to;     /* root: ANNOTATION_OWED; "" when it is settled, or its debt is a record */
	const char *changing;    /* root: whose change (ANNOTATION_CHANGING) is incomplete; "" when none is */
	const char *spec_name;   /* root: metadata.name of its container's spec; for lists, like the next two */
	const char *image;       /* root */
	const char *labels;      /* root: "key=value" of those of clients, each with a NUL; an empty one ends them */
	const char *service;     /* Service: the member `service` of a Container, as JSON; else "" */
	const char *host_ip;     /* Pod: of its node, "" while it is not known */
	const char *runs;        /* Pod: what its containers have run, for pod_run_next(); else "" */
	/* root: ports that its spec shows outside, FACT_PORT_FORM each; FACT_ALL_PORTS: it has no spec */
	const char *external_ports;
};

/*
 * Take the facts out of an object. Whatever is missing or of a wrong type is taken as absent.
 *
 * ret_fact  owned by the caller; one block (free()).
 * Errors: RC_UNAVAILABLE an object without name or uid: no Kubernetes said that; RC_TOO_LARGE (no object of Kubernetes
 * is); RC_NO_MEMORY.
 */
enum rc fact_from_object(enum kube_kind kind, const cJSON *object, struct fact **ret_fact, struct error *err)
	must_check;

/* What one container of a Pod has run. */
struct pod_run {
	char container[64]; /* its name: a label of DNS */
	int64_t restarts;   /* the number of its run, from 0 */
	bool started;       /* this run, or the one before, has something to show */
	bool goes_on;       /* it runs */
};

/*
 * Go through fact->runs.
 * at: the runs, and then what the call before left. False: there is no more.
 */
bool pod_run_next(const char **at, struct pod_run *ret_run);

/* The uid of an object's controlling owner, or of the first when none controls; all zero: it has none. */
struct kube_uid kube_owner_of(const cJSON *object);

/* The number of the revision that a Deployment or ReplicaSet is at, or a ControllerRevision is; 0: it does not say. */
int32_t kube_revision_of(const cJSON *object);

/* The hash that a fact keeps of a creation token; never 0. */
uint64_t fact_token_hash(const char *token);

bool kube_uid_equal(const struct kube_uid *a, const struct kube_uid *b);

/* Whether it is not empty. */
bool kube_uid_is_set(const struct kube_uid *uid);

/* The uid in a text such as metadata.uid; all zero when it is NULL or no UUID. */
struct kube_uid kube_uid_parse(const char *text);

void kube_uid_format(const struct kube_uid *uid, char out[KUBE_UID_TEXT_MAX]);

#endif
