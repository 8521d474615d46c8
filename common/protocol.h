/*
 * The protocol between the processes: every NATS subject, header, operation and limit that they share.
 *
 * REQUEST  api-svc -> kube-worker, on  <PROTOCOL_ROOT>.<provider token>.op.<operation>, queue group PROTOCOL_QUEUE;
 *          health also on  <PROTOCOL_ROOT>.<provider token>.health  without a group: every worker replies.
 *   Headers  PROTOCOL_HEADER_VERSION     always; a worker rejects unknown versions (RC_UNSUPPORTED).
 *                                        PROTOCOL_VERSION_NARROWED if the body has a member marked (2) below, or the
 *                                        caller needs PROTOCOL_HEADER_ETAG; PROTOCOL_VERSION_KINDS for a create whose
 *                                        spec requests another kind of root than a Deployment
 *            PROTOCOL_HEADER_DEADLINE    always; unix time in ms after which the caller ignores the reply: the worker
 *                                        drops a request whose deadline has passed and starts no write after it. A
 *                                        deadline of more than an hour is reduced to an hour
 *            PROTOCOL_HEADER_REQUEST     always; the request id for the logs
 *            PROTOCOL_HEADER_ATTEMPT     1 for the first attempt, 2... for retries of the same request
 *            PROTOCOL_HEADER_WAIT        ms within which the worker must start; else RC_BUSY. Absent: the deadline
 *            PROTOCOL_HEADER_PERMISSION  "ask": the caller grants permissions and settles (below). Absent: an api-svc
 *                                        of v0.1, which does neither
 *            traceparent                 if the client sent one (W3C Trace Context)
 *   Reply    the subject begins with "_INBOX"; a request without one is dropped.
 *   Body     a JSON object; the members for each operation are in the table below.
 *   An invalid header or member is rejected with RC_INTERNAL and its name (kube-worker/operation/request_check.h).
 *
 * REPLY    kube-worker -> the request's reply subject.
 *   Headers  PROTOCOL_HEADER_STATUS  rc_name(): "OK", or the error code; or PROTOCOL_STATUS_WORKING, without a body:
 *                                    keepalive, the reply follows. Sent every PROTOCOL_WORKING_MS while the request is
 *                                    queued or running, to tell a slow worker from a dead one
 *            PROTOCOL_HEADER_WAIT    with PROTOCOL_STATUS_WORKING: the request is queued, not started. The caller may
 *                                    reject it when its wait time has expired; absent: it is running
 *            PROTOCOL_HEADER_PART    "2/5" if the reply is split because of the server's max_payload; the parts of a
 *                                    reply are sent in order and joined before they are parsed
 *            PROTOCOL_HEADER_DEBT, PROTOCOL_HEADER_SETTLE  of a create that is to be settled (below)
 *            PROTOCOL_HEADER_ETAG    of a result that is a Container: its member `etag`
 *            PROTOCOL_HEADER_STREAM  of a reply that opens a stream (below)
 *            Nats-Service-Error, Nats-Service-Error-Code on errors (ADR-32): displayed by the standard `nats` tool
 *   Body     OK: the JSON body of the HTTP response (empty for delete and undo).
 *            error: {"detail": text, "retry_after_s": n?, "errors": [{"detail": text, "pointer": JSON pointer}]?}
 *
 *   operation  request members                              result
 *   ---------  -------------------------------------------  ---------------------------------------------------------
 *   create     id, any_id (true: the client chose none),    Container. RC_ALREADY_EXISTS unless the live container of
 *              spec, token; instead of id:                  that id was created with the same token: then that one.
 *              agent {"name", "key"}                        RC_PENDING: another request with the token is running
 *   undo       id, token, sequence (key tokens only: of     empty. The create's response was not delivered: its objects
 *              the settled record)                          are removed; with a key, its record is unsettled
 *   settle     the value of PROTOCOL_HEADER_SETTLE          empty; the worker will settle the mark of the object.
 *                                                           Handled outside the pool
 *   get        id                                           Container
 *   list       max_page_size (1..1000), page_token ("" =    {"containers": [...], "next_page_token": "..."}
 *              first), filter (2), order_by (2)
 *   update     id, token, spec (merged), base (the etag     Container. RC_CONFLICT: its version is no longer base,
 *              that spec is based on), if_match             the caller merges again
 *   scale      id, token, replicas, if_match                Container
 *   stop, start, restart  id, token, if_match               Container
 *   rollback   id, token, revision (absent: the previous    Container
 *              one), if_match
 *   revisions  id, max_page_size, page_token                {"revisions": [...], "next_page_token": "..."}
 *   revision   id, revision                                 a revision
 *   events     id, max_page_size, page_token                {"events": [...], "next_page_token": "..."}
 *   usage      id                                           {"time", "window", "replicas": [...], ...};
 *                                                           RC_UNIMPLEMENTED: the cluster has no metrics
 *   logs       id, follow, tail_lines, since_time,          a stream: text/plain or, with events, text/event-stream,
 *              since_seconds, timestamps, previous,         with ids for last_event_id. RC_NOT_STARTED: no replica has
 *              limit_bytes, container, replica, events,     started, with the reason; RC_INVALID_ARGUMENT: unknown
 *              last_event_id                                container or replica, with the existing ones
 *   watch      (none)                                       a stream of JSON lines: {"snapshot":true}, all containers
 *                                                           follow; a Container; {"synced":true}, end of the
 *                                                           snapshot; {"gone": id}. State, not history. For an
 *                                                           api-svc, which serves all its watchers (api-svc/watches.h)
 *   exec       id, command (array of strings), container,   a stream of frames (common/exec_channel.h), "websocket".
 *              replica, stdin, stdout, stderr, tty          RC_NOT_STARTED, RC_INVALID_ARGUMENT: as logs
 *   exec_run   id, command, container, replica, stdin,      {"exit_code", "stdout", ...}. RC_TIMEOUT: still running
 *              timeout_ms                                   after timeout_ms. A command is never started by two
 *                                                           workers. Cancelled when a probe (SETTLING 4) is answered
 *                                                           with RC_CANCELLED
 *   delete     id, absent_ok (true: not found is OK),       empty
 *              if_match (2)
 *   health     (none)                                       {"healthy": true|false}; handled outside the pool, also
 *                                                           by a worker at its limit
 *
 * `if_match`: versions (PROTOCOL_HEADER_ETAG), one of which the container must have, or "*": it must exist. Otherwise
 * nothing is changed: RC_PRECONDITION, or RC_NOT_FOUND if it does not exist, regardless of absent_ok.
 *
 * `agent` is sent for a create from DCM's environment agent (SP_AGENT_NAME, a bare spec, no id): the id is read from
 * the agent's pending request with the Idempotency-Key `key` (kube-worker/agent_requests.h).
 *
 * `token` identifies the request that created a container: PROTOCOL_TOKEN_KEY + hex(SHA-256(Idempotency-Key)) if the
 * client sent a key, else PROTOCOL_TOKEN_REQUEST + a random UUID per HTTP request. An updated container keeps the token
 * of its last update: an attempt, or a repeat by key, that finds its own token was executed before.
 *
 * SETTLING  A finished request has no further effect (tests/model checks these rules):
 *
 * 1. Permission. Before an attempt writes to Kubernetes (or starts a command there), and after it has read all that the
 *    write depends on, the worker requests permission on the request's reply subject, with status
 *    PROTOCOL_STATUS_PERMISSION and its own reply subject. The caller replies RC_OK to one attempt at a time, and
 *    RC_CANCELLED if the call is finished or another attempt has the permission. An attempt that sends nothing for
 *    WORKER_SILENCE_MS loses the permission, and a new attempt is sent. A permission is valid for
 *    PROTOCOL_PERMISSION_MS from its request, and then must be requested again. An attempt that is denied permission
 *    ends without a reply.
 * 2. Debt: the record of a create whose response has not been delivered yet; its objects must be removed if delivery
 *    fails. It is stored before the first write, in the bucket below; the last sequence of the record decides all
 *    races (compare-and-set):
 *
 *      (none) --attempt--> owed --caller--> settled          settled: only a DELETE removes the container
 *                           |  ^-- next attempt of the call   void: every object with the token is removed
 *                           +--attempt that failed, sweeper, undo--> void
 *
 *    The reply of a create carries PROTOCOL_HEADER_DEBT: "<sequence> <key of the record>". The caller stores the value
 *    of PROTOCOL_HEADER_SETTLE there before it sends the response. If the compare-and-set fails, the client receives
 *    an error. A reply without that header is already settled: a repeat by key, or a worker of v0.1.
 * 3. Without JetStream the debt is an annotation of the object (ANNOTATION_OWED, the mark), and the header is "object":
 *    the caller sends the value to a worker (settle) after the response was sent; the worker sets the mark to the empty
 *    string, and keeps it. The same applies when JetStream rejects the record, unless a record of the token may exist.
 *    A record may exist anyway, of an earlier attempt or request with the key. Therefore a record never decides about
 *    an object that has a mark, or that was created for an api-svc of v0.1 (no ANNOTATION_ATTEMPT); and while JetStream
 *    is unavailable, no create of an object without a mark is reported to a client. An attempt that takes over a marked
 *    object replaces the mark with its own. A marked object is removed only if its mark could be written, and only in
 *    the version whose mark was read.
 * 4. The sweeper of every worker checks all debts. It probes the caller (status PROTOCOL_STATUS_PROBE on the reply
 *    subject of the owed attempt), which replies RC_OK: the call is running; PROTOCOL_STATUS_SETTLED; or RC_CANCELLED:
 *    the call is finished (for exec_run, whose worker probes while the command runs, also: its client disconnected; an
 *    older caller replies RC_OK then). A debt becomes void if its call is finished or its caller no longer exists;
 *    unknown is not unsettled: an object without a debt is never removed.
 * 5. When the response was sent, and no other attempt can be running, the caller sends a reply to the reply subject of
 *    the worker's OK, with the record's key and sequence in PROTOCOL_HEADER_DEBT; the worker removes the record. All
 *    other settled and void records are removed when no attempt can be running any longer.
 *
 * STREAMS  The reply of an operation with OPERATION_REPLY_STREAM may open a stream: bytes in both directions, without a
 * time limit. Such an operation writes nothing, so it needs no permission and is not settled. NATS delivers at most
 * once and in order; lost or duplicate frames are detected or harmless:
 *
 * 1. Open. The request is handled as any other: WORKING while it is queued, RC_BUSY if the worker has SP_WORKER_STREAMS
 *    open, an error instead of a stream. The reply has status PROTOCOL_STATUS_STREAM, in PROTOCOL_HEADER_STREAM the
 *    inbox subject of the worker for this stream, and as body a JSON object with either "content_type": the worker
 *    sends the body of a 200; or "protocol": the client's connection is upgraded to it, and its data is forwarded to
 *    the worker. The first frame of the caller has its own inbox as reply subject. Until then, the worker sends no
 *    frames; a stream that the caller does not accept ends by 4.
 * 2. Frames. Headers PROTOCOL_HEADER_STATUS (the type), PROTOCOL_HEADER_OFFSET (bytes that the sender has sent before)
 *    and PROTOCOL_HEADER_CREDIT (total bytes that the receiver of the frame may send), both counted from the start of
 *    the stream:
 *      DATA    the bytes at the offset, within the credit; at most PROTOCOL_STREAM_DATA_MAX per frame
 *      CREDIT  headers only
 *      END     the sender sends no more data; the other direction continues. A stream is over when both have ended
 *      CANCEL  the sender cancels the stream: it is over
 *      an error's rc_name(), with the body of an error reply: it is over
 *    An offset beyond the received bytes means lost data, and ends the stream with an error. Duplicate data is skipped.
 * 3. Credit. A sender sends at most up to the highest credit it has received: PROTOCOL_STREAM_WINDOW beyond what the
 *    receiver has consumed (a later version may grant up to PROTOCOL_STREAM_CREDIT_MAX), so a slow receiver throttles
 *    the source. New credit is granted when half of it is used.
 * 4. Heartbeat. Each end sends a frame at least every PROTOCOL_STREAM_BEAT_MS (CREDIT, or END after the end), with its
 *    inbox as reply subject. The peer is dead if that has no responders, or after PROTOCOL_STREAM_SILENCE_MS without a
 *    frame.
 * 5. A violation of these rules ends the stream with RC_INTERNAL.
 *
 * MONITOR  Events are published to the subject of the resource's type (common/resource.h), defined by DCM. The state of
 * the processes is in one JetStream key-value bucket, named after the provider (common/container/bucket_name.h):
 *   leader             the id of the leader, renewed by compare-and-set; empty: no leader
 *   state.<token(id)>  the last reported status of a container: {"id", "name", "status"}; written before the first
 *                      event of the container and after later ones, deleted once DELETED was reported. A worker that
 *                      creates a container stores {id, name, "PENDING", "version": the root's} unless the record
 *                      exists: from then on DCM knows the container and must receive its DELETED event, even if no
 *                      monitor is running. Stored before the create is replied to; omitted without JetStream. The
 *                      leader reads all records after each list of roots.
 *                      "kind": of the root, unless that is a Deployment
 *   owed.<token(t)>    the debt of the create with token t (common/container/debt.h)
 *
 * PRESENCE  All processes implement the NATS service protocol (ADR-32: $SRV.PING and so on) with their name and,
 * in metadata.PROTOCOL_METADATA_PROVIDER, SP_NAME: the registrar uses it to find the API of its provider.
 *
 * No internal subject may begin with "dcm.": DCM's JetStream stream captures dcm.* and would reply to our requests.
 */
#ifndef COMMON_PROTOCOL_H
#define COMMON_PROTOCOL_H

#include <stdbool.h>
#include <stddef.h>

#include "common/base/error.h"
#include "common/operation.h"

#define PROTOCOL_VERSION "1" /* increment on incompatible changes */
/* Requests with a member that restricts them: a worker that does not support it must not execute them. */
#define PROTOCOL_VERSION_NARROWED "2"
#define PROTOCOL_VERSION_KINDS "3" /* only for workers that support all kinds of roots */

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
#define PROTOCOL_DEBT_OBJECT "object" /* PROTOCOL_HEADER_DEBT: the debt is an annotation of the object */

#define PROTOCOL_API_SERVICE "api-svc" /* the service name of api-svc in the service protocol */
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
#define PROTOCOL_DEADLINE_MAX_MS 3600000       /* later deadlines (clock skew) are reduced to this */
#define PROTOCOL_PAGE_SIZE_DEFAULT 50
#define PROTOCOL_PAGE_SIZE_MAX 1000
#define PROTOCOL_LOG_LINES_DEFAULT 1000           /* without follow */
#define PROTOCOL_PAGE_BYTES (32u * 1024 * 1024)   /* a list page ends early at this size of its JSON */
#define PROTOCOL_WORKING_MS 1000                  /* between two keepalives of a request */
#define PROTOCOL_HEALTH_TIMEOUT_MS 600            /* health must respond within a second, even under load */
#define PROTOCOL_PERMISSION_MS 1500               /* below all silence limits in worker_calls.h */
#define PROTOCOL_ETAG_MAX 65                      /* bytes of PROTOCOL_HEADER_ETAG with its NUL */
#define PROTOCOL_SETTLE_MAX 512                   /* bytes of PROTOCOL_HEADER_SETTLE */
#define PROTOCOL_STREAM_WINDOW (64u * 1024)       /* bytes in flight in one direction of a stream */
#define PROTOCOL_STREAM_CREDIT_MAX (1024u * 1024) /* beyond the bytes sent; more is an error */
#define PROTOCOL_STREAM_DATA_MAX (32u * 1024)     /* bytes of one DATA frame */
#define PROTOCOL_STREAM_BEAT_MS 1000
#define PROTOCOL_WATCH_LINE_MAX (16u * 1024 * 1024) /* bytes of a line of watch; above any Kubernetes object */
#define PROTOCOL_STREAM_SILENCE_MS 2500

/*
 * Whether text is a valid container id: 1 to 63 of a-z, 0-9 and '-', no '-' at the ends, and not reserved.
 */
bool protocol_is_id(const char *text);

/* Whether text is a valid creation token: one of the two prefixes, then letters, digits and '-'. */
bool protocol_is_create_token(const char *text);

/* Whether text is a valid value of PROTOCOL_HEADER_ETAG: 1 to 64 letters, digits or '-'. */
bool protocol_is_etag(const char *text);

/* Whether text matches PROTOCOL_AGENT_NAME_FORM; it is used in a stream name and a subject. */
bool protocol_is_agent_name(const char *text);

/*
 * Encode text as one subject token: letters, digits and '-' unchanged, every other byte as _XX (hex). Injective.
 * Truncated to `size`; three times the length of text plus 1 is always sufficient.
 */
void protocol_write_token(const char *text, char *out, size_t size);

/*
 * Write the subject of an operation for the provider. The name becomes one token (protocol_write_token), so that the
 * subjects of providers named "a", "a.b", "a b", "a*" and ">" never overlap.
 *
 * name  SP_NAME, 1..128 bytes (config_is_name).
 * what  an operation_name(), or "*" to subscribe to all of them.
 */
void protocol_operation_subject(const char *name, const char *what, char out[PROTOCOL_SUBJECT_MAX]);

/* Write the subject on which every worker of the provider replies to health. */
void protocol_health_subject(const char *name, char out[PROTOCOL_SUBJECT_MAX]);

/* The operation name in a subject of protocol_operation_subject(): the part after the last dot. */
const char *protocol_subject_operation(const char *subject);

#endif
