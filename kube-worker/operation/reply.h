/*
 * Replies to requests over the bus, in parts if larger than the server's limit (protocol.h, REPLY).
 */
#ifndef KUBE_WORKER_OPERATION_REPLY_H
#define KUBE_WORKER_OPERATION_REPLY_H

#include "kube-worker/operation/op_call.h"

/*
 * Send a successful reply; without a reply subject nothing is sent.
 *
 * etag          PROTOCOL_HEADER_ETAG; "": none.
 * debt, settle  the headers of an unsettled create (protocol.h); "": none.
 * notice        reply subject for the notice of the caller; NULL: none.
 * Errors: as bus_publish(): then the reply is lost.
 */
struct reply_extras {
	const char *etag;
	const char *debt;
	const char *settle;
	const char *notice;
};
enum rc reply_result(struct bus *bus, const struct bus_message *request, const struct buf *body,
		     const struct reply_extras *extras, struct error *err) must_check;

/*
 * Send an error.
 *
 * why     its code, message and retry_after_s; the message is shown to clients.
 * faults as in struct op_call. NULL: none.
 */
enum rc reply_error(struct bus *bus, const struct bus_message *request, const struct error *why,
		    const struct buf *faults, struct error *err) must_check;

/*
 * Begin a stream (protocol.h, STREAMS).
 *
 * address       our inbox for it.
 * content_type  of an HTTP response; NULL: the client's connection is upgraded to `protocol`.
 * Errors: as bus_publish().
 */
enum rc reply_stream(struct bus *bus, const struct bus_message *request, const char *address, const char *content_type,
		     const char *protocol, struct error *err) must_check;

/*
 * Send a keepalive. subject the reply subject of the request. waits: it is queued. Errors: as bus_publish().
 */
enum rc reply_working(struct bus *bus, const char *subject, bool waits, struct error *err) must_check;

#endif
