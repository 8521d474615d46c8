/*
 * The requests that a DCM environment agent is working on, as they lie in its JetStream streams: what resource_id
 * belongs to an Idempotency-Key. The agent deletes by that id, and does not send it with its create. Read only: no
 * consumer, no acknowledgement.
 */
#ifndef KUBE_WORKER_AGENT_REQUESTS_H
#define KUBE_WORKER_AGENT_REQUESTS_H

#include "common/bus/bus_call.h"
#include "common/protocol.h"

/*
 * Find the id of the container that a request of the agent wants.
 *
 * A request is a CloudEvent whose `id` is the Idempotency-Key and whose data.resource_id is the container's id. It lies
 * on dcm.agent.<agent> in the work-queue stream dcm-agent-requests until the agent has its answer, or, when the agent
 * held it back while we were unhealthy, in the stream <agent>-retry. The oldest are looked at first: an agent works in
 * order.
 *
 * agent        protocol_is_agent_name().
 * deadline_ms  clock_mono_ms(). The search also ends after 3 s.
 *
 * Errors: RC_NOT_FOUND no stream has such a request; RC_UNAVAILABLE JetStream does not answer, or the time was too
 * short to look at all requests; RC_INVALID_ARGUMENT the resource_id is no legal id of a container.
 * Blocks: as said.  Threads: any.
 *
 * Source: the DCM environment agent, as recorded; nats-server, JetStream API STREAM.MSG.GET with next_by_subj.
 */
enum rc agent_requests_find(struct bus_caller *caller, const char *agent, const char *key, int64_t deadline_ms,
			    char ret_id[PROTOCOL_ID_MAX + 1], struct error *err) must_check;

/*
 * Is a stored message, in base64 (NULL: there is none), the request of that key? Then its resource_id is written. Pure.
 * Errors: RC_NOT_FOUND another one, or anything; RC_INVALID_ARGUMENT the resource_id is no legal id.
 */
enum rc agent_requests_read(const char *base64, const char *key, char ret_id[PROTOCOL_ID_MAX + 1], struct error *err)
	must_check;

#endif
