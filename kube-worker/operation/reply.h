/*
 * Answers to requests over the bus, in parts when they are larger than the server accepts (protocol.h, REPLY).
 */
#ifndef KUBE_WORKER_OPERATION_REPLY_H
#define KUBE_WORKER_OPERATION_REPLY_H

#include "kube-worker/operation/op.h"

/*
 * Send a success to where the request wants it; a request that wants no answer gets none.
 *
 * etag          PROTOCOL_HEADER_ETAG; "": none.
 * debt, settle  the headers of a create that is to be settled (protocol.h); "": none.
 * notice        where the caller says that it is settled; NULL: nowhere.
 * Errors: as bus_publish(): then the caller will not know.
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
 * why     its code, sentence and retry_after_s; the sentence is shown to clients.
 * faults  as those of an op_call. NULL: none.
 */
enum rc reply_error(struct bus *bus, const struct bus_message *request, const struct error *why,
		    const struct buf *faults, struct error *err) must_check;

/*
 * Begin a stream (protocol.h, STREAMS).
 *
 * address       where we listen for it.
 * content_type  of an HTTP answer; NULL: `protocol` is what the client's connection is upgraded to.
 * Errors: as bus_publish().
 */
enum rc reply_stream(struct bus *bus, const struct bus_message *request, const char *address, const char *content_type,
		     const char *protocol, struct error *err) must_check;

/*
 * Say that the response is still to come.
 * subject  where the request wants its answer. waits: it has not begun. Errors: as bus_publish().
 */
enum rc reply_working(struct bus *bus, const char *subject, bool waits, struct error *err) must_check;

#endif
