/*
 * The table of kinds: all differences between kinds, as data and functions. A new kind is a new row.
 */
#ifndef KUBESIM_KINDS_H
#define KUBESIM_KINDS_H

#include <stdbool.h>
#include <stddef.h>

#include "common/services/json.h"

struct schema_member;
struct sim;
struct sim_causes;
struct sim_object;
struct sim_column;
struct sim_target;
struct sim_request;
struct sim_response;

/* Indices in the table, also used by the store. */
enum sim_kind_index {
	SIM_POD,
	SIM_SERVICE,
	SIM_NAMESPACE,
	SIM_EVENT,
	SIM_DEPLOYMENT,
	SIM_STATEFULSET,
	SIM_REPLICASET,
	SIM_CONTROLLER_REVISION,
	SIM_AUTOSCALER,
	SIM_POD_METRICS, /* nothing of it is stored */
	SIM_KIND_COUNT
};

/* The forms of names. */
enum sim_name_form { NAME_SUBDOMAIN, NAME_LABEL, NAME_LABEL_1035 };

struct sim_kind {
	const char *group;       /* "" for the core group */
	const char *api_version; /* "apps/v1"; the core group's is "v1" */
	const char *kind;
	const char *plural;
	const char *singular;
	const char *short_name;
	const char *resource; /* in messages: "deployments.apps" */
	enum sim_name_form name_form;
	bool namespaced;
	bool in_all;               /* shown by `kubectl get all` */
	bool has_scale;            /* subresource scale */
	bool shows_deleted;        /* a DELETE returns the object */
	bool generations;          /* metadata.generation counts changes of the spec */
	bool counts_annotations;   /* and of the annotations */
	const char *const *fields; /* supported by field selectors in addition to name and namespace; NULL: none */
	const struct schema_member *members; /* NULL: not written by clients */

	/* Set defaults. May be NULL. */
	void (*set_defaults)(cJSON *tree);

	/* Assign cluster resources (addresses, ports); `old` is NULL on create. May be NULL. */
	void (*allocate)(struct sim *sim, cJSON *tree, const cJSON *old, struct sim_causes *causes);

	/* Validate, in addition to the common rules; `old` is NULL on create. May be NULL. */
	void (*validate)(const cJSON *tree, const cJSON *old, struct sim_causes *causes);

	/* Reconcile the object; runs on the controllers' thread. May be NULL. */
	void (*reconcile)(struct sim *sim, struct sim_object *object);

	/* Answer a list instead of the store. May be NULL. */
	void (*list)(struct sim *sim, const struct sim_target *t, struct sim_request *rq, struct sim_response *rs);

	/* The columns of a server-side table; terminated by one without a name. */
	const struct sim_column *columns;
};

extern const struct sim_kind sim_kinds[SIM_KIND_COUNT];

/* The index of the row. */
size_t sim_kind_place(const struct sim_kind *kind);

/* The row of "apps", "deployments"; NULL: none. */
const struct sim_kind *sim_kind_find(const char *group, const char *plural);

#endif
