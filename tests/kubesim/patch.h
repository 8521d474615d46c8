/*
 * Patches: JSON merge patch (RFC 7396), and of strategic merge patch the lists that kubectl changes.
 */
#ifndef KUBESIM_PATCH_H
#define KUBESIM_PATCH_H

#include "common/services/json.h"

/* Change `target` as `patch` says. */
typedef void (*sim_patch_function)(cJSON *target, const cJSON *patch);

/* The kind of patch that a Content-Type names; NULL: none that is known. */
sim_patch_function sim_patch_find(const char *content_type);

#endif
