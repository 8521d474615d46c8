/*
 * The types of resources that this provider manages, with their external names. The Kubernetes objects of a type are
 * defined in the folder common/<name>/ (workload.h). `make` fails if that, or its collection in api-svc/openapi.yaml,
 * is missing.
 */
#ifndef COMMON_RESOURCE_H
#define COMMON_RESOURCE_H

#define RESOURCE_API "/api/v1alpha1"
#define RESOURCE_CONTAINERS_PATH RESOURCE_API "/containers"

/*
 * enumerator; name: the value of the label dcm.project/dcm-service-type, `service_type` in a spec and in the
 * registration; the path of its collection; subject and type of its events, defined by DCM; prefix of its keys in the
 * bucket; scope of its page tokens, in addition to provider and namespace ("": as in v0.1).
 */
/* clang-format off */
#define RESOURCE_ROWS(ROW) \
	ROW(CONTAINER, "container", RESOURCE_CONTAINERS_PATH, "dcm.container", "dcm.status.container", "state.", "")
/* clang-format on */

enum resource_type {
#define RESOURCE_ENUMERATOR(upper, ...) RESOURCE_##upper,
	RESOURCE_ROWS(RESOURCE_ENUMERATOR)
#undef RESOURCE_ENUMERATOR
		RESOURCE_TYPE_COUNT
};

struct resource {
	const char *name;
	const char *path;
	const char *event_subject;
	const char *event_type;
	const char *record_prefix;
	const char *page_scope;
};

/* The row of a valid value. */
const struct resource *resource_row(enum resource_type type);

#endif
