/*
 * The controllers: one thread takes objects from the queue of the store and reconciles the cluster with each, like
 * kube-controller-manager, the scheduler, the kubelet and a cloud load balancer.
 *
 * Every function examines the whole state and performs the next step; its changes queue the object again.
 */
#ifndef KUBESIM_CONTROLLERS_H
#define KUBESIM_CONTROLLERS_H

#include <pthread.h>

#include "tests/kubesim/sim.h"

/* Run until sim_store_stop(); the caller joins the thread. False: the thread could not be created. */
bool sim_controllers_start(struct sim *sim, pthread_t *ret_thread) must_check;

/* One step for one object. For the table of kinds; on the controllers' thread. */
void sim_control_deployment(struct sim *sim, struct sim_object *object);
void sim_control_statefulset(struct sim *sim, struct sim_object *object);
void sim_control_replicaset(struct sim *sim, struct sim_object *object);
void sim_control_pod(struct sim *sim, struct sim_object *object);
void sim_control_namespace(struct sim *sim, struct sim_object *object);

/* A condition written by controllers. */
struct sim_condition {
	const char *type;
	bool status;
	const char *reason;
	const char *message;
};

/* Set it in an array of conditions; lastTransitionTime changes with the status. */
void sim_condition_set(cJSON *conditions, const struct sim_condition *condition);
void sim_condition_drop(cJSON *conditions, const char *type);

#define SIM_TEMPLATE_HASH_MAX 12 /* bytes of a template's hash with the NUL */

/* A hash of a template in the form of the real controllers: 32 bits in letters that cannot form words. */
void sim_template_hash(const cJSON *template, char out[SIM_TEMPLATE_HASH_MAX]);

/* An owner reference of the controlling kind, appended to metadata. */
void sim_owner_add(cJSON *metadata, const struct sim_object *owner);

#endif
