/*
 * Patches: JSON merge patch (RFC 7396), and of strategic merge patch the lists that kubectl changes.
 */
#ifndef KUBESIM_PATCH_H
#define KUBESIM_PATCH_H

#include "common/services/json.h"

/* Apply `patch` to `target`. False: unsupported directive. */
typedef bool (*sim_patch_function)(cJSON *target, const cJSON *patch);

bool sim_patch_merge(cJSON *target, const cJSON *patch);
bool sim_patch_strategic(cJSON *target, const cJSON *patch);

#endif
