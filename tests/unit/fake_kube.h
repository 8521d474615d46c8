/*
 * kube_client.h without Kubernetes, for unit tests: objects by path, and recorded requests. It replaces kube_client.c;
 * one instance per process (Criterion runs each test in a separate process).
 */
#ifndef TESTS_UNIT_FAKE_KUBE_H
#define TESTS_UNIT_FAKE_KUBE_H

#include "common/kube/kube_client.h"

/*
 * Set the response to a GET of the path (without its query); NULL: 404. That of a collection is a list. A PATCH or PUT
 * of an object is recorded, and changes nothing; a POST returns its body with a uid.
 */
void fake_kube_set(const char *path, const char *json);

/* The error of calls with that method; RC_OK: none. */
void fake_kube_refuse(const char *method, enum rc rc, const char *text);

/* Block calls until released. */
void fake_kube_hold(bool hold);

/* The number of calls with that method whose path ends with this text. */
size_t fake_kube_count(const char *method, const char *path_end);

/* Forget the recorded calls, of which there is a maximum. */
void fake_kube_forget(void);

/*
 * The body of the index-th of them, as long as the process lives. Waits for it; the test fails on timeout.
 */
const char *fake_kube_body(const char *method, const char *path_end, size_t index);

/* The query of the index-th call; "": none. */
const char *fake_kube_query(size_t index);

#endif
