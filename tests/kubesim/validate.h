/*
 * What the API server refuses, in its words. Source: the answers of a real one, field by field.
 */
#ifndef KUBESIM_VALIDATE_H
#define KUBESIM_VALIDATE_H

#include "tests/kubesim/sim.h"
#include "tests/kubesim/status.h"

/* For the table of kinds: see struct sim_kind. */
void sim_validate_deployment(const struct sim *sim, const cJSON *tree, const cJSON *old, struct sim_causes *causes);
void sim_validate_replicaset(const struct sim *sim, const cJSON *tree, const cJSON *old, struct sim_causes *causes);
void sim_validate_pod(const struct sim *sim, const cJSON *tree, const cJSON *old, struct sim_causes *causes);
void sim_validate_service(const struct sim *sim, const cJSON *tree, const cJSON *old, struct sim_causes *causes);
void sim_validate_namespace(const struct sim *sim, const cJSON *tree, const cJSON *old, struct sim_causes *causes);
void sim_validate_event(const struct sim *sim, const cJSON *tree, const cJSON *old, struct sim_causes *causes);

/* The forms that names have. */
enum sim_name_form { NAME_SUBDOMAIN, NAME_LABEL, NAME_LABEL_1035, NAME_LABEL_NO_DOTS };

/* name (or generateName), labels, annotations, owner references, finalizers. */
void sim_validate_metadata(const cJSON *tree, enum sim_name_form form, struct sim_causes *causes);

/* Add what is wrong with a name, and with a map of labels. */
void sim_validate_name(const char *field, const char *name, enum sim_name_form form, struct sim_causes *causes);
void sim_validate_labels(const char *field, const cJSON *labels, struct sim_causes *causes);
void sim_validate_annotations(const char *field, const cJSON *annotations, struct sim_causes *causes);

/* A Pod's spec under `field` ("spec", "spec.template.spec"). */
void sim_validate_pod_spec(const char *field, const cJSON *spec, struct sim_causes *causes);

/* A number that must be a port. */
void sim_validate_port(const char *field, int64_t port, struct sim_causes *causes);

#endif
