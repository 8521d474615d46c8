#include "common/services/secret.h"

#include <stdlib.h>
#include <string.h>

void secret_free(char *text)
{
	if (!text)
		return;
	explicit_bzero(text, strlen(text));
	free(text);
}

void secret_free_at(char **text)
{
	secret_free(*text);
}

/* Recursion is bounded by the parser (JSON_DEPTH_MAX). */
static void wipe(cJSON *node)
{
	for (; node; node = node->next) {
		if (cJSON_IsString(node) && node->valuestring)
			explicit_bzero(node->valuestring, strlen(node->valuestring));
		wipe(node->child);
	}
}

void secret_tree_free(cJSON *tree)
{
	wipe(tree);
	cJSON_Delete(tree);
}

void secret_tree_free_at(cJSON **tree)
{
	secret_tree_free(*tree);
}
