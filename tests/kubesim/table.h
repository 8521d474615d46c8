/*
 * Server-side tables, as displayed by `kubectl get`. Each kind has a row of columns.
 */
#ifndef KUBESIM_TABLE_H
#define KUBESIM_TABLE_H

#include "common/services/json_write.h"
#include "tests/kubesim/object.h"

/* One column. */
struct sim_column {
	const char *name;                                   /* NULL ends the list */
	int priority;                                       /* 1: only with -o wide */
	const char *path;                                   /* path of the value; NULL: the whole object */
	void (*write)(const cJSON *value, struct buf *out); /* value: at the path, NULL: missing */
};

extern const struct sim_column sim_pod_columns[];
extern const struct sim_column sim_service_columns[];
extern const struct sim_column sim_namespace_columns[];
extern const struct sim_column sim_event_columns[];
extern const struct sim_column sim_deployment_columns[];
extern const struct sim_column sim_statefulset_columns[];
extern const struct sim_column sim_controller_revision_columns[];
extern const struct sim_column sim_replicaset_columns[];
extern const struct sim_column sim_autoscaler_columns[];

/* Whether the Accept header prefers a table. */
bool sim_table_wanted(const char *accept);

/*
 * Append a table of the objects; all are of one kind.
 *
 * metadata_json  the list's metadata, as in a list: "{...}".
 */
void sim_table_write(struct buf *out, const struct sim_kind *kind, struct sim_object *const *objects, size_t count,
		     const char *metadata_json);

#endif
