/*
 * What a stream looks for before it begins: the container's root, and whether the replica and the container in it that
 * the client names are there. On the loop of streams.h, without waiting.
 *
 * 	SEEK_ROOT --read--> SEEK_CACHE --the cache knows it as well--> SEEK_FOUND
 * 	    \------------------ \--or it never does, or there is no such thing--> SEEK_FAILED
 */
#ifndef KUBE_WORKER_STREAMS_REPLICA_SEEK_H
#define KUBE_WORKER_STREAMS_REPLICA_SEEK_H

#include "common/container/fact.h"
#include "common/container/workload.h"
#include "common/kube/kube_flow.h"
#include "kube-worker/operation/op_call.h"
#include "kube-worker/streams/worker_stream.h"

#define REPLICA_SEEK_MS 5000 /* for the root, and for the cache to know it */
/* The kinds that are looked at in the cache. */
#define REPLICA_SEEK_KINDS (workload_root_kinds() | 1u << KUBE_REPLICASET | 1u << KUBE_POD)

enum seek_state { SEEK_ROOT, SEEK_CACHE, SEEK_FOUND, SEEK_FAILED };

struct replica_seek {
	const struct op_env *env;
	struct worker_stream *stream; /* set before the first pump */
	/* What is named; the texts outlive it. NULL: none is. */
	const char *id;
	const char *container;
	const char *replica;
	enum seek_state state;
	int64_t started_ms;
	int64_t due_ms; /* the next try */
	struct kube_call *finding;
	enum kube_kind kinds[KUBE_KIND_COUNT]; /* of roots, in the order in which they are asked for */
	size_t kind_count;
	size_t next_kind;
	/* SEEK_FOUND: */
	cJSON *root; /* as it was read; NULL: another program has made it, and only the cache's is known */
	struct kube_uid root_uid;
	char own[64]; /* the name of our container */
	/* SEEK_FAILED: */
	struct error fault;
	const char *pointer; /* to what is wrong in the request; NULL: to nothing */
};

/* Begin. What is named is a member of the request. */
struct replica_seek replica_seek_make(const struct op_env *env, const char *id, const char *container,
				      const char *replica);

/* Free what it holds. */
void replica_seek_clear(struct replica_seek *seek);

/*
 * Go on, unless it is found or has failed. Returns when to call it again at the latest; the stream is woken for calls.
 */
int64_t replica_seek_pump(struct replica_seek *seek);

#endif
