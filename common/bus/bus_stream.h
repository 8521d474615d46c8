/*
 * The required subset of the JetStream wire protocol (JSON requests on $JS.API.>, and publish acknowledgements). The
 * JetStream API of cnats is not used: its synchronous publish blocks a thread per message, the asynchronous one may
 * reorder retries.
 */
#ifndef COMMON_BUS_BUS_STREAM_H
#define COMMON_BUS_BUS_STREAM_H

#include "common/bus/bus_call.h"
#include "common/services/json.h"

#define BUS_STREAM_MESSAGE_ID "Nats-Msg-Id"                                /* header: the same id is stored once */
#define BUS_STREAM_EXPECTED_SEQUENCE "Nats-Expected-Last-Subject-Sequence" /* header: compare-and-set */

/*
 * Send a request to the JetStream API, for example "STREAM.INFO.x".
 *
 * body        JSON; NULL: none.
 * ret_answer  owned by the caller (cJSON_Delete); NULL: ignored.
 *
 * Errors: RC_UNSUPPORTED no JetStream (on this server, or for this account); RC_NOT_FOUND no such stream, consumer or
 * message; RC_ALREADY_EXISTS; RC_CONFLICT; RC_UNAVAILABLE any other rejection; those of bus_call().
 * Blocks: about 2 s at most.  Threads: as bus_call().
 * Source: nats-server server/jetstream_api.go, server/errors.json.
 */
enum rc bus_stream_ask(struct bus_caller *caller, const char *what, const char *body, cJSON **ret_answer,
		       struct error *err) must_check;

/*
 * Find out whether a stream captures the subject (ret_found).
 * Errors: as bus_stream_ask(); RC_UNSUPPORTED: no JetStream.
 */
enum rc bus_stream_listens(struct bus_caller *caller, const char *subject, bool *ret_found, struct error *err)
	must_check;

/*
 * Parse a publish acknowledgement: stored, or the error.
 *
 * ret_sequence  of the message in the stream; may be NULL.
 * Errors: RC_NOT_FOUND no subscriber and no stream; RC_CONFLICT the compare-and-set found another sequence;
 * RC_BUSY another change is pending;
 * RC_TIMEOUT one server failed to store it, others of its cluster may have; RC_UNAVAILABLE rejected, or not an
 * acknowledgement. Source: nats-architecture-and-design ADR-22; server/stream.go JSPubAckResponse.
 */
enum rc bus_stream_read_ack(struct bus_message *reply, uint64_t *ret_sequence, struct error *err) must_check;

#endif
