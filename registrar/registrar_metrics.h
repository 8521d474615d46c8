/*
 * The metrics of the registrar: counters of registrations, and the exported list.
 */
#ifndef REGISTRAR_REGISTRAR_METRICS_H
#define REGISTRAR_REGISTRAR_METRICS_H

#include "common/services/metrics.h"
#include "registrar/registration.h"

extern const struct metric *const *const registrar_metrics[];

/* Set the current state. */
void registrar_metrics_state(enum registration_state state);

/* A POST has ended with REGISTRATION_ACCEPT, REGISTRATION_RETRY or REGISTRATION_REFUSE. */
void registrar_metrics_posted(enum registration_event meaning);

#endif
