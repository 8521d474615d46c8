/*
 * kube_flow.h and kube_socket.h without Kubernetes, for unit tests: the objects are those of fake_kube.h, and a test is
 * the other end of each WebSocket. It replaces kube_flow.c and kube_socket.c; one instance per process. Actions of a
 * test are executed on the loop, in its next turn.
 */
#ifndef TESTS_UNIT_FAKE_KUBE_FLOW_H
#define TESTS_UNIT_FAKE_KUBE_FLOW_H

#include "common/kube/kube_socket.h"

/* Wait for a turn of the loop, after the time was advanced: due work is done. */
void fake_kube_flow_turn(void);

/*
 * The open call with a streamed response, of which a test has one at a time; NULL: none. Its path; whether the response
 * was begun; send bytes of it, after the begin; end it with that status, after all bytes were taken (0: the connection
 * is lost). These happen in kube_flow_turn(), and are for tests that are the loop themselves.
 */
struct kube_call *fake_kube_flow_streamed(void);
const char *fake_kube_call_path(const struct kube_call *call);
bool fake_kube_call_has_begun(const struct kube_call *call);
void fake_kube_call_begin(struct kube_call *call);
void fake_kube_call_say(struct kube_call *call, const char *text);
void fake_kube_call_end(struct kube_call *call, int status);

/* The number of calls that have expired. */
int fake_kube_flow_expired(void);

/*
 * Protocol and path of the index-th opened WebSocket. They wait for it; the test fails on timeout.
 */
const char *fake_kube_socket_protocol(size_t index);
const char *fake_kube_socket_path(size_t index);
size_t fake_kube_socket_count(void);

/* Accept it, or reject it with that status (json NULL: an empty body); 0: no response, but the request was sent. */
void fake_kube_socket_accept(size_t index);
void fake_kube_socket_refuse(size_t index, int status, const char *json);

/* Send a message from it; end it after all messages were received. */
void fake_kube_socket_say(size_t index, unsigned channel, const char *text);
void fake_kube_socket_end(size_t index, enum kube_socket_state how);

/*
 * Wait until the messages sent to it, each as "<channel>:<text>;", are `text`; the test fails on timeout.
 */
void fake_kube_socket_expect(size_t index, const char *text);

/* Wait until our side has closed it; the test fails on timeout. */
void fake_kube_socket_expect_closed(size_t index);

#endif
