/*
 * Looks up pending requests of a DCM environment agent in its JetStream streams: the resource_id for an
 * Idempotency-Key. The agent uses that id for the delete, but does not send it with the create. Read only: no consumer,
 * no acknowledgement.
 */
#ifndef KUBE_WORKER_AGENT_REQUESTS_H
#define KUBE_WORKER_AGENT_REQUESTS_H

#include "common/bus/bus_call.h"
#include "common/protocol.h"

/*
 * Find the container id in a request of the agent.
 *
 * A request is a CloudEvent whose `id` is the Idempotency-Key and whose data.resource_id is the container's id. It is
 * on dcm.agent.<agent> in the work-queue stream dcm-agent-requests until the agent has received the response, or, if
 * the agent postponed it because we were unhealthy, in the stream <agent>-retry. The oldest are read first, as an agent
 * works in order.
 *
 * agent        protocol_is_agent_name().
 * deadline_ms  clock_mono_ms(). The search also ends after 3 s.
 *
 * Errors: RC_NOT_FOUND no stream has such a request; RC_UNAVAILABLE JetStream does not respond, or timeout;
 * RC_INVALID_ARGUMENT the resource_id is not a valid container id. Blocks: up to the timeout. Threads: any.
 *
 * Source: the DCM environment agent, as recorded; nats-server, JetStream API STREAM.MSG.GET with next_by_subj.
 */
enum rc agent_requests_find(struct bus_caller *caller, const char *agent, const char *key, int64_t deadline_ms,
			    char ret_id[PROTOCOL_ID_MAX + 1], struct error *err) must_check;

/*
 * If a stored message, in base64 (NULL: none), is the request with that key, write its resource_id. Pure. Errors:
 * RC_NOT_FOUND another message; RC_INVALID_ARGUMENT the resource_id is not a valid id.
 */
enum rc agent_requests_read(const char *base64, const char *key, char ret_id[PROTOCOL_ID_MAX + 1], struct error *err)
	must_check;

#endif
