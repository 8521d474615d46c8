/*
 * Kubernetes objects as JSON, for the tests of parsers. They belong to the container "web" unless stated otherwise.
 */
#ifndef TESTS_UNIT_KUBE_OBJECTS_H
#define TESTS_UNIT_KUBE_OBJECTS_H

#include "common/container/fact.h"

#define UID(n) "00000000-0000-4000-8000-00000000000" #n
#define LABELS "\"labels\":{\"dcm.project/dcm-instance-id\":\"web\"}"
#define OWNER(n) "\"ownerReferences\":[{\"uid\":\"" UID(n) "\",\"controller\":true}]"

#define DEPLOYMENT(spec, status)                                                                   \
	"{\"metadata\":{\"name\":\"web\",\"uid\":\"" UID(                                          \
		1) "\",\"creationTimestamp\":\"2026-01-01T00:00:00Z\"," LABELS "},\"spec\":{" spec \
		   "},\"status\":{" status "}}"
#define REPLICASET(uid, owner, revision)                                            \
	"{\"metadata\":{\"name\":\"web-" #uid "\",\"uid\":\"" UID(uid) "\"," OWNER( \
		owner) "," LABELS ",\"annotations\":{\"deployment.kubernetes.io/revision\":\"" revision "\"}}}"
#define POD(uid, owner, extra, status)                                                                  \
	"{\"metadata\":{\"name\":\"p" #uid "\",\"uid\":\"" UID(uid) "\"," OWNER(owner) "," LABELS extra \
										       "},\"status\":{" status "}}"
#define DELETING ",\"deletionTimestamp\":\"2026-01-01T00:01:00Z\""
#define RUNNING "\"phase\":\"Running\",\"podIP\":\"10.0.0.1\""
#define PENDING "\"phase\":\"Pending\""
#define FAILED \
	"\"phase\":\"Failed\",\"conditions\":[{\"type\":\"Ready\",\"lastTransitionTime\":\"2026-01-01T00:10:00Z\"}]"
#define LOST                                                                                           \
	"\"phase\":\"Running\",\"conditions\":[{\"type\":\"Ready\",\"status\":\"Unknown\",\"reason\":" \
	"\"NodeStatusUnknown\"}]"
#define READY(reason, containers)                                                                                      \
	"\"phase\":\"Running\",\"podIP\":\"10.0.0.1\",\"conditions\":[{\"type\":\"Ready\",\"status\":\"False\"" reason \
	"},{\"type\":\"ContainersReady\",\"status\":\"" containers "\"}]"
#define QUOTA                                                                                              \
	"\"conditions\":[{\"type\":\"ReplicaFailure\",\"status\":\"True\",\"message\":\"exceeded quota\"," \
	"\"lastTransitionTime\":\"2026-01-01T00:10:00Z\"}]"

/* The facts of an object; owned by the caller (free()). The test fails if there are none. */
struct fact *fact_of(enum kube_kind kind, const char *text);

#endif
