/*
 * kube_client.h without Kubernetes, for unit tests: objects by path, and recorded requests. It replaces kube_client.c;
 * one instance per process (Criterion runs each test in a separate process).
 */
#ifndef TESTS_UNIT_FAKE_KUBE_H
#define TESTS_UNIT_FAKE_KUBE_H

#include "common/kube/kube_client.h"

/*
 * What a GET of the path (without its query) gives from now on; NULL: nothing, a 404. The path of a collection has a
 * list. A PATCH or PUT of an object is noted, and changes nothing; a POST gives back its body with a uid.
 */
void fake_kube_set(const char *path, const char *json);

/* The error of calls with that method; RC_OK: none. */
void fake_kube_refuse(const char *method, enum rc rc, const char *text);

/* Block calls until released. */
void fake_kube_hold(bool hold);

/* How many calls with that method there were whose path ends so. */
size_t fake_kube_count(const char *method, const char *path_end);

/*
 * The body of the index-th of them, as long as the process lives. Waits for it; the test fails when it does not come.
 */
const char *fake_kube_body(const char *method, const char *path_end, size_t index);

/* The query of the index-th of all calls; "": it had none. */
const char *fake_kube_query(size_t index);

#endif
