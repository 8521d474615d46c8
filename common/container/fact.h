/*
 * The facts that are kept of a Kubernetes object: a few hundred bytes in one block, instead of kilobytes of JSON. The
 * same struct for all kinds, so that cache and informer are independent of the kind.
 */
#ifndef COMMON_CONTAINER_FACT_H
#define COMMON_CONTAINER_FACT_H

#include <inttypes.h>
#include <stdbool.h>

#include "common/kube/kube_path.h"
#include "common/kube/kube_uid.h"
#include "common/services/json.h"

#define FACT_MESSAGE_MAX 240              /* bytes of a human-readable message */
#define FACT_PORT_FORM " %" PRId64 "/%s " /* of a port in external_ports */
#define FACT_PORT_MAX 48
#define FACT_ALL_PORTS "*"
#define FACT_OWED_TO_MAX 512 /* bytes of a reply subject with its NUL; longer ones are ignored */

enum pod_phase { POD_PENDING, POD_RUNNING, POD_SUCCEEDED, POD_FAILED, POD_UNKNOWN };

struct fact {
	enum kube_kind kind;
	enum pod_phase phase; /* Pod */
	bool deleting;        /* has a deletionTimestamp */
	bool node_lost;       /* Pod: its node no longer reports */
	bool made_here;       /* root: has a creation token, and its name is the instance id */
	bool stopped;         /* root: has no replicas because of :stop */
	bool stop_is_over;    /* root: was stopped by :stop, and scaled up by another program */
	unsigned wanted;      /* root: the roles that its spec requires (workload.h), as bits */
	uint64_t token;       /* root: a hash of its creation token; 0: none */
	int32_t replicas;     /* root: spec.replicas */
	int32_t revision;     /* ReplicaSet, ControllerRevision, Deployment: revision number; 0: unknown */
	/*
	 * The rollout that it belongs to, 0: unknown. ReplicaSet: the increasing revision number; StatefulSet,
	 * ControllerRevision, and the Pod of a StatefulSet: a hash of the ControllerRevision's name.
	 */
	uint64_t rollout;
	uint32_t bytes; /* of the whole block */
	struct kube_uid uid;
	struct kube_uid
		owner; /* the controller of a Pod, ReplicaSet or ControllerRevision, the first owner of a Service */
	int64_t created_ms; /* wall clock */
	int64_t changed_ms; /* newest condition transition; created_ms if none */
	/* clock_mono_ms(): since when the Pod is Failed or a Deployment has ReplicaFailure=True; 0: no failure */
	int64_t failed_ms;
	const char *name;
	const char *instance_id; /* "" if the label is missing */
	const char *ip;          /* Pod: its address, "" if none */
	const char *message;     /* Pod, root: human-readable, may be "" */
	const char *problem;     /* root: ANNOTATION_PROBLEM; "" if none */
	const char *owed_to;     /* root: ANNOTATION_OWED; "" if settled, or if the debt is a record */
	const char *changing;    /* root: the caller of an incomplete update (ANNOTATION_CHANGING); "" if none */
	const char *spec_name;   /* root: metadata.name of its container's spec; for lists, like the next two */
	const char *image;       /* root */
	const char *labels;  /* root: "key=value" of the clients' labels, each with a NUL; terminated by an empty one */
	const char *service; /* Service: the member `service` of a Container, as JSON; else "" */
	const char *host_ip; /* Pod: address of its node, "" if unknown */
	const char *runs;    /* Pod: what its containers have run, for fact_next_run(); else "" */
	/* root: external ports of its spec, FACT_PORT_FORM each; FACT_ALL_PORTS: no spec */
	const char *external_ports;
};

/*
 * Extract the facts of an object. Members of a wrong type are treated as absent.
 *
 * ret_fact  owned by the caller; one block (free()).
 * Errors: RC_UNAVAILABLE an object without name or uid (not from Kubernetes); RC_TOO_LARGE; RC_NO_MEMORY.
 */
enum rc fact_from_object(enum kube_kind kind, const cJSON *object, struct fact **ret_fact, struct error *err)
	must_check;

/*
 * The runs of a container of a Pod that have a log, numbered by the restart count. The kubelet serves the last one that
 * was started as the current log, and lastState.terminated as the previous one: while a container that has crashed
 * waits for its restart, both are the same run (pkg/kubelet/kubelet_pods.go, validateContainerLogStatus() and
 * convertToAPIContainerStatuses()).
 */
struct pod_run {
	char container[64]; /* its name: a DNS label */
	int64_t restarts;   /* the current run */
	int64_t previous;   /* the previous run; -1: none */
	bool started;       /* there is one of them */
	bool goes_on;       /* the current run is running */
};

/*
 * Iterate over fact->runs. at: the position. Returns false at the end.
 */
bool fact_next_run(const char **at, struct pod_run *ret_run);

/* The revision number of a Deployment, ReplicaSet or ControllerRevision; 0: unknown. */
int32_t fact_revision_of(const cJSON *object);

/* The hash of a creation token in facts, by the token or by its debt_key(); never 0. */
uint64_t fact_token_hash(const char *token);
uint64_t fact_token_hash_of_key(const char *key);

#endif
