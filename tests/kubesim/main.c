/*
 * kubesim: a simulator of a Kubernetes API server and its controllers, for tests and demos without a cluster.
 *
 * Unsupported requests are rejected with 501 and a message that starts with "kubesim does not know": members that
 * schema.c does not list, query parameters, server-side apply, JSON patch, orders in strategic patches, dry runs,
 * deletion but in the background, deletion of a collection. All other responses are verified against a real server:
 * tests/end-to-end/kube_cases.py. Not implemented: metadata.managedFields, the schema requested by kubectl
 * (--validate=false), unused defaults of Services; pages of a list show the present state.
 */
#include <stdio.h>
#include <stdlib.h>

#include "common/services/lifecycle.h"
#include "common/services/secret.h"
#include "tests/kubesim/api.h"
#include "tests/kubesim/controllers.h"
#include "tests/kubesim/faults.h"
#include "tests/kubesim/kubeconfig.h"
#include "tests/kubesim/objects.h"

static bool create_parts(struct sim *sim)
{
	sim->store = sim_store_create((size_t)sim->options.history);
	sim->faults = sim_faults_create();
	sim->counts = cJSON_CreateObject();
	pthread_mutex_init(&sim->counts_lock, NULL);
	return sim->store && sim->faults && sim->counts;
}

static void destroy_parts(struct sim *sim)
{
	pthread_mutex_destroy(&sim->counts_lock);
	cJSON_Delete(sim->counts);
	sim_faults_destroy(sim->faults);
	sim_store_destroy(sim->store);
}

/* Publish the address of the server after startup. */
static enum rc announce(const struct sim_options *o, unsigned port, struct error *err)
{
	const char *colon = strrchr(o->listen, ':');
	enum rc rc = o->kubeconfig ? sim_kubeconfig_write(o, port, err) : RC_OK;

	if (!rc) {
		printf("kubesim: this is a SIMULATOR of the Kubernetes API, not a cluster; %s://%.*s:%u\n",
		       o->tls_cert ? "https" : "http", (int)(colon - o->listen), o->listen, port);
		fflush(stdout);
	}
	return rc;
}

static enum rc serve(struct sim *sim, struct error *err)
{
	cleanup_secret char *cert = NULL;
	cleanup_secret char *key = NULL;
	struct sim_http_settings settings = { .listen = sim->options.listen, .handle = sim_api_handle, .ctx = sim };
	struct sim_http *http = NULL;
	pthread_t controllers;
	enum rc rc = RC_OK;

	if (sim->options.tls_cert)
		rc = secret_file_read(sim->options.tls_cert, SECRET_FILE_MAX, &cert, NULL, NULL, err);
	if (!rc && sim->options.tls_key)
		rc = secret_file_read(sim->options.tls_key, SECRET_FILE_MAX, &key, NULL, NULL, err);
	if (rc)
		return rc;
	settings.cert_pem = cert;
	settings.key_pem = key;
	if (!sim_controllers_start(sim, &controllers))
		return error_set(err, RC_NO_MEMORY, "start the controllers' thread");
	rc = sim_http_start(&settings, &http, err);
	if (!rc)
		rc = announce(&sim->options, sim_http_port(http), err);
	if (!rc)
		lifecycle_wait(NULL, NULL);
	sim_store_stop(sim->store);
	if (http)
		sim_http_stop(http);
	pthread_join(controllers, NULL);
	return rc;
}

int main(int argc, char **argv)
{
	struct sim sim = { 0 };
	struct error err = { 0 };
	enum rc rc;

	switch (sim_options_read(argc, argv, &sim.options)) {
	case OPTIONS_EXIT_OK:
		return EXIT_SUCCESS;
	case OPTIONS_EXIT_BAD:
		return EXIT_FAILURE;
	case OPTIONS_RUN:
		break;
	}
	lifecycle_init();
	if (create_parts(&sim)) {
		sim_objects_make_namespace(&sim, "default");
		if (sim.options.namespace)
			sim_objects_make_namespace(&sim, sim.options.namespace);
		rc = serve(&sim, &err);
	} else {
		rc = error_no_memory(&err);
	}
	if (rc)
		fprintf(stderr, "kubesim: %s\n", err.text);
	destroy_parts(&sim);
	return rc ? EXIT_FAILURE : EXIT_SUCCESS;
}
