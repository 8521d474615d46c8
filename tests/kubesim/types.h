/*
 * Does a body have the types that the API's Go structs want? Only the members that clients get wrong are known.
 */
#ifndef KUBESIM_TYPES_H
#define KUBESIM_TYPES_H

#include "common/services/json.h"

/* kind: of the path, "Service". False: `fault` is the decoder's sentence about the first member of a wrong type. */
bool sim_types_check(const char *kind, const cJSON *tree, char *fault, size_t fault_size);

#endif
