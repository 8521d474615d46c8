/*
 * kube_flow.h and kube_socket.h without Kubernetes, for unit tests: the objects are those of fake_kube.h, and a test
 * plays the other end of each WebSocket. It stands in for kube_flow.c and kube_socket.c; there is one for the whole
 * process. What a test says is carried out on the loop, in its next turn.
 */
#ifndef TESTS_UNIT_FAKE_KUBE_FLOW_H
#define TESTS_UNIT_FAKE_KUBE_FLOW_H

#include "common/kube/kube_socket.h"

/* Wait until the loop has turned: time was moved, and what became due is done. */
void fake_kube_flow_turn(void);

/*
 * The protocol and the path of the index-th WebSocket that was opened. Wait for it; the test fails when it does not
 * come.
 */
const char *fake_kube_socket_protocol(size_t index);
const char *fake_kube_socket_path(size_t index);
size_t fake_kube_socket_count(void);

/* It is open, or rejected with that status (json NULL: an empty body). */
void fake_kube_socket_accept(size_t index);
void fake_kube_socket_refuse(size_t index, int status, const char *json);

/* It sends a message; its end comes when all of them were taken. */
void fake_kube_socket_say(size_t index, unsigned channel, const char *text);
void fake_kube_socket_end(size_t index, enum kube_socket_state how);

/*
 * What was sent to it, each message as "<channel>:<text>;". Waits until that is `text`; the test fails when it does not
 * come.
 */
void fake_kube_socket_expect(size_t index, const char *text);

/* Wait until our side has closed it; the test fails when that does not come. */
void fake_kube_socket_expect_closed(size_t index);

#endif
