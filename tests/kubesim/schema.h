/*
 * The members of objects and their types: the checks of a decoder, before validation.
 */
#ifndef KUBESIM_SCHEMA_H
#define KUBESIM_SCHEMA_H

#include "common/base/buf.h"
#include "common/services/json.h"

/* The type of a member. */
enum schema_type {
	SCHEMA_STRUCT = 1,
	SCHEMA_STRING,
	SCHEMA_TIME,
	SCHEMA_INT32,
	SCHEMA_INT64,
	SCHEMA_BOOL,
	SCHEMA_INT_OR_STRING,
	SCHEMA_QUANTITY,
	SCHEMA_OBJECT, /* its members are not checked */
	SCHEMA_ANY,    /* not set by clients, or not checked */
};

/* The multiplicity of a member. */
enum schema_shape { SCHEMA_ONE, SCHEMA_LIST, SCHEMA_MAP };

struct schema_member {
	const char *name;
	enum schema_type type;
	enum schema_shape shape;
	bool may_be_empty;                   /* a pointer in Go: 0, false and "" are not the same as absent */
	const struct schema_member *members; /* of SCHEMA_STRUCT; terminated by one without a name */
};

/* Members of the kinds, and of the two bodies that are not objects. */
extern const struct schema_member schema_pod[];
extern const struct schema_member schema_service[];
extern const struct schema_member schema_namespace[];
extern const struct schema_member schema_deployment[];
extern const struct schema_member schema_statefulset[];
extern const struct schema_member schema_replicaset[];
extern const struct schema_member schema_autoscaler[];
extern const struct schema_member schema_scale[];
extern const struct schema_member schema_delete_options[];

/* The error of a body. */
enum schema_fault {
	SCHEMA_OK,
	SCHEMA_MISTYPED, /* every API server rejects it */
	SCHEMA_UNKNOWN,  /* a member that is not in the table: a real API server may support it, or ignore it */
};

/*
 * Check a tree and normalize it as in responses: without null and empty members (except for those that may be empty),
 * quantities as strings, maps sorted by key.
 *
 * ret_where  the invalid member is appended, "spec.replicas".
 */
enum schema_fault schema_apply(const struct schema_member *members, cJSON *tree, struct buf *ret_where) must_check;

#endif
