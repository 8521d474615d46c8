/*
 * What the API server refuses of names, labels and annotations. What else it would refuse in a spec is not checked, but
 * for what controllers could not bear.
 */
#ifndef KUBESIM_VALIDATE_H
#define KUBESIM_VALIDATE_H

#include "tests/kubesim/status.h"

/* Collect what is wrong with an object that is about to be stored. */
void sim_validate(const struct sim_kind *kind, const cJSON *tree, struct sim_causes *causes);

#endif
