/*
 * Lookup before a stream begins: the container's root, and the requested replica and container. On the loop of
 * streams.h, never blocks.
 *
 * 	SEEK_ROOT --read--> SEEK_CACHE --also in the cache--> SEEK_FOUND
 * 	    \------------------ \--timeout, or not found--> SEEK_FAILED
 */
#ifndef KUBE_WORKER_STREAMS_REPLICA_SEEK_H
#define KUBE_WORKER_STREAMS_REPLICA_SEEK_H

#include "common/container/fact.h"
#include "common/container/workload.h"
#include "common/kube/kube_flow.h"
#include "kube-worker/operation/op_call.h"
#include "kube-worker/streams/worker_stream.h"

#define REPLICA_SEEK_MS 5000 /* for the root, and for the cache */
/* The kinds used from the cache. */
#define REPLICA_SEEK_KINDS (workload_root_kinds() | 1u << KUBE_REPLICASET | 1u << KUBE_POD)

enum seek_state { SEEK_ROOT, SEEK_CACHE, SEEK_FOUND, SEEK_FAILED };

struct replica_seek {
	const struct op_env *env;
	struct worker_stream *stream; /* set before the first pump */
	/* The requested names; the texts must outlive it. NULL: none. */
	const char *id;
	const char *container;
	const char *replica;
	enum seek_state state;
	int64_t started_ms;
	int64_t due_ms; /* the next attempt */
	struct kube_call *finding;
	enum kube_kind kinds[KUBE_KIND_COUNT]; /* of roots, in the order of reading */
	size_t kind_count;
	size_t next_kind;
	/* SEEK_FOUND: */
	cJSON *root; /* as read; NULL: a root of another program, only known from the cache */
	struct kube_uid root_uid;
	char own[64]; /* the name of the spec's container */
	/* SEEK_FAILED: */
	struct error fault;
	const char *pointer; /* to the invalid member of the request; NULL: none */
};

/* Create it. The names are members of the request. */
struct replica_seek replica_seek_make(const struct op_env *env, const char *id, const char *container,
				      const char *replica);

/* Free what it holds. */
void replica_seek_clear(struct replica_seek *seek);

/*
 * Continue, unless found or failed. Returns when to call it again at the latest; the stream is also woken for calls.
 */
int64_t replica_seek_pump(struct replica_seek *seek);

#endif
