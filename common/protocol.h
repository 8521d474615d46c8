/*
 * The map of the system: every NATS subject, header, operation and limit that the processes share.
 *
 * REQUEST  api-svc -> kube-worker, on  <PROTOCOL_ROOT>.<provider token>.op.<operation>, queue group PROTOCOL_QUEUE;
 *          health also on  <PROTOCOL_ROOT>.<provider token>.health  without a group: every worker replies.
 *   Headers  PROTOCOL_HEADER_VERSION     always; a worker refuses versions that it does not know (RC_UNSUPPORTED).
 *                                        PROTOCOL_VERSION_NARROWED when the body has a member marked (2) below, or the
 *                                        caller needs PROTOCOL_HEADER_ETAG; PROTOCOL_VERSION_KINDS for a create whose
 *                                        spec asks for another kind of root than a Deployment
 *            PROTOCOL_HEADER_DEADLINE    always; unix time in ms after which the reply is not wanted: the worker
 *                                        drops a request whose deadline has passed and starts no write after it. One
 *                                        that is more than an hour away is taken for an hour
 *            PROTOCOL_HEADER_REQUEST     always; the request id for the logs
 *            PROTOCOL_HEADER_ATTEMPT     1 for the first attempt, 2... when the same request is sent again
 *            PROTOCOL_HEADER_WAIT        ms within which the worker must begin; else RC_BUSY. Absent: the deadline
 *            PROTOCOL_HEADER_PERMISSION  "ask": the caller gives permissions and settles (below). Absent: an api-svc of
 *                                        v0.1, which does neither
 *            traceparent                 when the client sent one (W3C Trace Context)
 *   Reply    the subject begins with "_INBOX"; a request without one is dropped.
 *   Body     a JSON object; the members for each operation are in the table below.
 *   A header or a member that is not what it should be gets RC_INTERNAL, with its name
 *   (kube-worker/operation/request_check.h).
 *
 * REPLY    kube-worker -> the request's reply subject.
 *   Headers  PROTOCOL_HEADER_STATUS  rc_name(): "OK", or the code of the error; or PROTOCOL_STATUS_WORKING, without a
 *                                    body: no reply yet. Sent every PROTOCOL_WORKING_MS while the request waits or
 *                                    runs, so that a slow worker is not taken for a dead one
 *            PROTOCOL_HEADER_WAIT    beside PROTOCOL_STATUS_WORKING: the request waits, nothing of it has begun. The
 *                                    caller may refuse it when its time to wait is over; absent: it runs
 *            PROTOCOL_HEADER_PART    "2/5" when the reply is cut because of the server's max_payload; the parts of one
 *                                    reply come in order and are joined before they are read
 *            PROTOCOL_HEADER_DEBT, PROTOCOL_HEADER_SETTLE  of a create that is to be settled (below)
 *            PROTOCOL_HEADER_ETAG    of a result that is a Container: its member `etag`
 *            PROTOCOL_HEADER_STREAM  of a reply that begins a stream (below)
 *            Nats-Service-Error, Nats-Service-Error-Code on errors (ADR-32): what the stock `nats` tool shows
 *   Body     OK: exactly the JSON that the REST client gets (empty for delete and undo).
 *            error: {"detail": text, "retry_after_s": n?, "errors": [{"detail": text, "pointer": JSON pointer}]?}
 *
 *   operation  request members                              result
 *   ---------  -------------------------------------------  ---------------------------------------------------------
 *   create     id, any_id (true: the client chose none),    Container. RC_ALREADY_EXISTS unless the live container of
 *              spec, token; in the place of id:             that id was made with the same token: then that one.
 *              agent {"name", "key"}                        RC_PENDING: another request with the token is running
 *   undo       id, token, sequence (key tokens only: of     empty. The client of that create was not told of it: what
 *              the settled record)                          was made is removed; by key, its record is unsettled
 *   settle     the value of PROTOCOL_HEADER_SETTLE          empty; the worker will settle the mark of the object.
 *                                                           Replied beside the pool
 *   get        id                                           Container
 *   list       max_page_size (1..1000), page_token ("" =    {"containers": [...], "next_page_token": "..."}
 *              first), filter (2), order_by (2)
 *   update     id, token, spec (merged), base (the etag     Container. RC_CONFLICT: it has another version than base,
 *              that it was made from), if_match             make the spec anew
 *   scale      id, token, replicas, if_match                Container
 *   stop, start, restart  id, token, if_match               Container
 *   rollback   id, token, revision (none: the one before),  Container
 *              if_match
 *   revisions  id, max_page_size, page_token                {"revisions": [...], "next_page_token": "..."}
 *   events     id, max_page_size, page_token                {"events": [...], "next_page_token": "..."}
 *   usage      id                                           {"time", "window", "replicas": [...], ...};
 *                                                           RC_UNIMPLEMENTED: the cluster has no metrics
 *   logs       id, follow, tail_lines, since_time,          a stream: text/plain or, with events, text/event-stream.
 *              Its since_seconds, timestamps, previous,         id: resumes as last_event_id. RC_NOT_STARTED: no
 *              replica has limit_bytes, container, replica, events,     begun to run, and why; RC_INVALID_ARGUMENT:
 *              what it names is
 *              last_event_id                                not there, with what there is
 *   watch      (none)                                       a stream of JSON lines, each: {"snapshot":true}, all are
 *                                                           told now; a Container as it is now; {"synced":true}, those
 *                                                           were all; {"gone": id}. State, not history. For the
 *                                                           api-svc, which tells all its watchers (api-svc/watches.h)
 *   exec       id, command (texts), container, replica,     a stream of frames (common/exec_channel.h), "websocket".
 *              stdin, stdout, stderr, tty                   RC_NOT_STARTED, RC_INVALID_ARGUMENT: as logs
 *   exec_run   id, command, container, replica, stdin,      {"exit_code", "stdout", ...}. RC_TIMEOUT: it had not ended
 *              in
 *              timeout_ms                                   time. Nothing of a command is asked of two workers.
 *                                                           Dropped when a probe (SETTLING 4) hears RC_CANCELLED
 *   revision   id, revision                                 one of them
 *   delete     id, absent_ok (true: nothing there is OK),   empty
 *              if_match (2)
 *   health     (none)                                       {"healthy": true|false}; replied beside the pool, also
 *                                                           by a worker that is full
 *
 * `if_match`: versions (PROTOCOL_HEADER_ETAG), of which the container must have one, or "*": it must exist. Otherwise
 * nothing is done: RC_PRECONDITION, or RC_NOT_FOUND when there is none, whatever absent_ok says.
 *
 * `agent` is sent for a create of DCM's environment agent (SP_AGENT_NAME, a bare spec, no id): the id is in the request
 * that the agent of that name is working on, under the Idempotency-Key `key` (kube-worker/agent_requests.h).
 *
 * `token` says who made a container: PROTOCOL_TOKEN_KEY + hex(SHA-256(Idempotency-Key)) when the client sent such a
 * key, else PROTOCOL_TOKEN_REQUEST + a random UUID made for this one HTTP request. A changed container keeps the token
 * of its last change: an attempt, or a repeat by key, that finds its own there was carried out before.
 *
 * SETTLING  A request that is over has no further effect (tests/model explores these rules):
 *
 * 1. Permission. Before an attempt writes to Kubernetes (or begins a command there), and after it has looked up all
 *    that the write depends on, the worker asks on the request's reply subject, with status PROTOCOL_STATUS_PERMISSION
 *    and a reply subject of its own. The caller replies RC_OK to one attempt at a time, and RC_CANCELLED when the call
 *    is over or another attempt has the permission. An attempt that stays silent (WORKER_SILENCE_MS) loses it, and
 *    another one is sent. A permission is good for PROTOCOL_PERMISSION_MS from when it was asked for; then it is asked
 *    for again. An attempt without permission ends without a reply.
 * 2. Debt. What a create makes has to be removed again until its client has been told of it: the create owes it. The
 *    debt is a record, stored before the first write, in the bucket below: the record's last sequence decides every
 *    race (compare-and-set):
 *
 *      (none) --attempt--> owed --caller--> settled          settled: only a DELETE removes the container
 *                           |  ^-- next attempt of the call   void: whatever carries the token is removed
 *                           +--attempt that failed, sweeper, undo--> void
 *
 *    The reply of a create carries PROTOCOL_HEADER_DEBT: "<sequence> <key of the record>". The caller stores the value
 *    of PROTOCOL_HEADER_SETTLE there before it tells the client. When another one was first, the client gets an error.
 *    A reply without that header is settled already: a repeat by key, or a worker of v0.1.
 * 3. Without JetStream the debt is an annotation of the object (ANNOTATION_OWED), and the header is "object": the
 *    caller sends the value to a worker (settle), which settles the mark after the client was told: it is empty then,
 *    and stays. Also when JetStream refuses the record, unless it may hold one of the token. There may be one all the
 *    same, of an earlier attempt or request by the key. So no record decides about an object that has a mark, or that
 *    was made for an api-svc of v0.1 (it has no ANNOTATION_ATTEMPT); and while JetStream is away, no client is told of
 *    an object without a mark. Another attempt that takes a marked object over writes the mark anew, in its own name. A
 *    marked object is removed only where its mark could be written, and only in the version whose mark was read.
 * 4. The sweeper of every worker looks at all debts. It asks their caller (status PROTOCOL_STATUS_PROBE on the owed
 *    attempt's reply subject): RC_OK the call runs; PROTOCOL_STATUS_SETTLED; RC_CANCELLED it is over (of exec_run,
 *    whose worker asks while the command runs: or its client has gone; an older caller says RC_OK then). A debt whose
 *    call is over or whose caller is gone becomes void; unknown is not unsettled: what has no debt is never removed.
 * 5. When the client has been told, and no other attempt can be left, the caller sends a reply to the reply subject of
 *    the worker's OK, with the record's key and sequence in PROTOCOL_HEADER_DEBT; the worker removes the record. All
 *    other settled and void records are removed when no attempt can live any more.
 *
 * STREAMS  The reply of an operation with OPERATION_REPLY_STREAM may begin a stream: bytes in both directions for as
 * long as it takes. Such an operation writes nothing, so nothing of it is permitted or settled. NATS is at most once
 * and in order; what travels is such that a frame that is lost or repeated is noticed or harmless:
 *
 * 1. Begin. The request is as any other: WORKING while it waits, RC_BUSY when the worker has SP_WORKER_STREAMS open, an
 *    error in place of a stream. The reply that begins has status PROTOCOL_STATUS_STREAM, in PROTOCOL_HEADER_STREAM the
 *    inbox subject on which the worker listens for this stream, and as body a JSON object with either "content_type":
 *    what the worker sends is the body of a 200; or "protocol": the client's connection is upgraded to it, and what it
 *    sends goes to the worker. The caller sends its first frame with a reply subject: where it listens itself. Until
 *    then, the worker sends no frames; a stream whose reply was not wanted ends by 4.
 * 2. Frames. Headers PROTOCOL_HEADER_STATUS (what it is), PROTOCOL_HEADER_OFFSET (bytes that its sender has sent before
 *    it) and PROTOCOL_HEADER_CREDIT (bytes that its reader may send in all), both counted from the stream's begin:
 *      DATA    the bytes at the offset, within the credit; we send at most PROTOCOL_STREAM_DATA_MAX at once
 *      CREDIT  nothing but its headers
 *      END     the sender sends no more data; the other direction goes on. A stream is over when both have ended
 *      CANCEL  the sender no longer wants the stream: it is over
 *      an error's rc_name(), with the body of an error reply: it is over
 *    An offset beyond what has been received: data was lost, and the stream ends with an error. Data that is there
 *    already is skipped.
 * 3. Credit. A sender sends no more than the highest credit that it has heard: PROTOCOL_STREAM_WINDOW beyond what its
 *    sender has taken from the stream (a later version may grant up to PROTOCOL_STREAM_CREDIT_MAX), so a slow reader
 *    throttles the source. It is granted anew when half of it is used up.
 * 4. Life. Each end sends a frame at least every PROTOCOL_STREAM_BEAT_MS (CREDIT, or END after the end), with its
 *    subject as reply subject: "no responders" there, or PROTOCOL_STREAM_SILENCE_MS without a frame, and the peer is
 *    dead.
 * 5. Who breaks these rules gets the stream ended with RC_INTERNAL.
 *
 * MONITOR  Events go to the subject of the resource's type (common/resource.h), which is DCM's. What the processes keep
 * is in one JetStream key-value bucket, named after the provider (common/container/bucket_name.h):
 *   leader             who is active: an id, renewed by compare-and-set; empty: none, take it
 *   state.<token(id)>  what was last reported of a container: {"id", "name", "status"}; gone once DELETED was reported.
 *                      A worker that has made a container leaves {id, name, "PENDING", "version": the root's}
 *                      there unless something is there already: DCM knows the container from then on, and has to hear
 *                      of its end, whether or not a monitor runs. Sent before the create is answered; without
 *                      JetStream it goes nowhere. The active monitor reads all records after each list of roots.
 *                      "kind": of the root, unless that is a Deployment
 *   owed.<token(t)>    the debt of the create with token t (common/container/debt.h)
 *
 * PRESENCE  All processes answer the NATS service protocol (ADR-32: $SRV.PING and so on) with their name and,
 * in metadata.PROTOCOL_METADATA_PROVIDER, SP_NAME: so the registrar knows its own provider's API.
 *
 * No internal subject may begin with "dcm.": DCM's JetStream stream captures dcm.* and would answer our requests.
 */
#ifndef COMMON_PROTOCOL_H
#define COMMON_PROTOCOL_H

#include <stdbool.h>
#include <stddef.h>

#include "common/base/error.h"
#include "common/operation.h"

#define PROTOCOL_VERSION "1" /* bump when an old reader would misunderstand a new writer */
/* Of a request with a member that narrows what it asks for: a worker that does not know it must not carry it out. */
#define PROTOCOL_VERSION_NARROWED "2"
#define PROTOCOL_VERSION_KINDS "3" /* for workers that know every kind of root, or its name alone would be taken */

#define PROTOCOL_ROOT "k8s-container-sp"
#define PROTOCOL_QUEUE "kube-worker"

#define PROTOCOL_HEADER_VERSION "Sp-Protocol"
#define PROTOCOL_HEADER_DEADLINE "Sp-Deadline"
#define PROTOCOL_HEADER_REQUEST "Sp-Request-Id"
#define PROTOCOL_HEADER_ATTEMPT "Sp-Attempt"
#define PROTOCOL_HEADER_WAIT "Sp-Wait"
#define PROTOCOL_HEADER_PERMISSION "Sp-Permission"
#define PROTOCOL_HEADER_DEBT "Sp-Debt"
#define PROTOCOL_HEADER_SETTLE "Sp-Settle"
#define PROTOCOL_HEADER_ETAG "Sp-Etag"
#define PROTOCOL_HEADER_STATUS "Sp-Status"
#define PROTOCOL_HEADER_PART "Sp-Part"
#define PROTOCOL_HEADER_STREAM "Sp-Stream"
#define PROTOCOL_HEADER_OFFSET "Sp-Offset"
#define PROTOCOL_HEADER_CREDIT "Sp-Credit"
#define PROTOCOL_HEADER_TRACEPARENT "traceparent"

#define PROTOCOL_STATUS_WORKING "WORKING"
#define PROTOCOL_STATUS_PERMISSION "PERMISSION"
#define PROTOCOL_STATUS_PROBE "PROBE"
#define PROTOCOL_STATUS_SETTLED "SETTLED"
#define PROTOCOL_STATUS_STREAM "STREAM"

#define PROTOCOL_PERMISSION_ASK "ask" /* the value of PROTOCOL_HEADER_PERMISSION */
#define PROTOCOL_DEBT_OBJECT "object" /* PROTOCOL_HEADER_DEBT: the object itself carries the debt */

#define PROTOCOL_API_SERVICE "api-svc" /* the name under which an api-svc answers the service protocol */
#define PROTOCOL_METADATA_PROVIDER "provider"

#define PROTOCOL_TOKEN_KEY "key:"
#define PROTOCOL_TOKEN_REQUEST "req:"

#define PROTOCOL_SUBJECT_MAX 512      /* bytes with the NUL; names are at most 128 bytes, encoded threefold */
#define PROTOCOL_ID_MAX 63            /* bytes of a container id */
#define PROTOCOL_ID_RESERVED "health" /* no container has this id: it is a path of the REST API */
#define PROTOCOL_AGENT_NAME_MAX 128   /* bytes of SP_AGENT_NAME */
#define PROTOCOL_AGENT_NAME_FORM "1 to 128 letters, digits, '-' or '_'"
#define PROTOCOL_REQUEST_ID_MAX 128            /* bytes of a request id */
#define PROTOCOL_TRACEPARENT_MAX 63            /* bytes; W3C: 55 */
#define PROTOCOL_TOKEN_MAX 96                  /* bytes of a creation token with its NUL */
#define PROTOCOL_REPLY_MAX (64u * 1024 * 1024) /* bytes of a joined reply */
#define PROTOCOL_DEADLINE_MAX_MS 3600000       /* further away, a clock is wrong or a peer lies: taken for this */
#define PROTOCOL_PAGE_SIZE_DEFAULT 50
#define PROTOCOL_PAGE_SIZE_MAX 1000
#define PROTOCOL_LOG_LINES_DEFAULT 1000         /* of a log that is not followed */
#define PROTOCOL_PAGE_BYTES (32u * 1024 * 1024) /* a list page ends early when its JSON reaches this */
#define PROTOCOL_WORKING_MS 1000                /* between two signs of life of a worker, for each request */
#define PROTOCOL_HEALTH_TIMEOUT_MS 600          /* health must be answered within a second, on a busy machine too */
#define PROTOCOL_PERMISSION_MS 1500             /* how long a permission is good; below any silence of worker_calls.h */
#define PROTOCOL_ETAG_MAX 65                    /* bytes of PROTOCOL_HEADER_ETAG with its NUL */
#define PROTOCOL_SETTLE_MAX 512                 /* bytes of PROTOCOL_HEADER_SETTLE */
#define PROTOCOL_STREAM_WINDOW (64u * 1024)     /* bytes that may be under way in one direction of a stream */
#define PROTOCOL_STREAM_CREDIT_MAX (1024u * 1024) /* beyond what was sent; more is an error */
#define PROTOCOL_STREAM_DATA_MAX (32u * 1024)     /* bytes of one DATA frame */
#define PROTOCOL_STREAM_BEAT_MS 1000
#define PROTOCOL_WATCH_LINE_MAX (16u * 1024 * 1024) /* bytes of a line of watch; no object of Kubernetes is as large */
#define PROTOCOL_STREAM_SILENCE_MS 2500

/*
 * Is it what the REST API accepts as an id: 1 to 63 of a-z, 0-9 and '-', no '-' at the ends, and not the reserved one?
 */
bool protocol_is_id(const char *text);

/* Is it a creation token: one of the two prefixes, and letters, digits and '-'? */
bool protocol_is_create_token(const char *text);

/* Is it what PROTOCOL_HEADER_ETAG may be: 1 to 64 letters, digits or '-'? */
bool protocol_is_etag(const char *text);

/* Is it PROTOCOL_AGENT_NAME_FORM? It becomes part of a stream's name and of a subject. */
bool protocol_is_agent_name(const char *text);

/*
 * Write any text as one token of a subject: letters, digits and '-' as they are, every other byte as _XX (hex).
 * Injective. What does not fit into `size` is left out: three times the text's length plus 1 always suffices.
 */
void protocol_write_token(const char *text, char *out, size_t size);

/*
 * Write the subject of an operation for the provider. The name becomes one token (protocol_write_token), so that
 * providers named "a", "a.b", "a b", "a*" and ">" never hear each other.
 *
 * name  SP_NAME, 1..128 bytes (config_is_name).
 * what  an operation_name(), or "*" to subscribe to all of them.
 */
void protocol_operation_subject(const char *name, const char *what, char out[PROTOCOL_SUBJECT_MAX]);

/* Write the subject on which every worker of the provider replies to health. */
void protocol_health_subject(const char *name, char out[PROTOCOL_SUBJECT_MAX]);

/* The operation's name in a subject that protocol_operation_subject() made: what follows the last dot. */
const char *protocol_subject_operation(const char *subject);

#endif
