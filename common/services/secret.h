/*
 * Secrets in memory: wiped before they are freed.
 */
#ifndef COMMON_SERVICES_SECRET_H
#define COMMON_SERVICES_SECRET_H

#include "common/services/json.h"

/* Wipe and free. NULL is allowed. */
void secret_free(char *text);
void secret_free_at(char **text);
#define cleanup_secret cleanup_with(secret_free_at)

/* Wipe every string in the tree, and free it. NULL is allowed. */
void secret_tree_free(cJSON *tree);
void secret_tree_free_at(cJSON **tree);
#define cleanup_secret_tree cleanup_with(secret_tree_free_at)

#endif
