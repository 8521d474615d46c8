/*
 * Amounts of CPU and memory, in the form of our clients and of Kubernetes. Compared as integers, because Kubernetes
 * returns them in canonical form (1024Mi becomes 1Gi).
 */
#ifndef COMMON_CONTAINER_QUANTITY_H
#define COMMON_CONTAINER_QUANTITY_H

#include <stdbool.h>
#include <stdint.h>

#include "common/services/json.h"

/*
 * Parse a client's CPU amount: whole cores as an integer >= 1, or a string such as "2" or "500m" (contract: pattern
 * ^[1-9][0-9]*m?$). Returns false for anything else and above INT64_MAX thousandths. ret_milli: thousandths of a core.
 */
bool quantity_parse_cpu(const cJSON *value, int64_t *ret_milli);

/*
 * Parse a client's memory amount: digits and MB, GB or TB, greater than zero; the units are mapped to Mi, Gi and Ti.
 * Returns false for anything else and above INT64_MAX bytes.
 */
bool quantity_parse_memory(const char *text, int64_t *ret_bytes);

/*
 * Read a Kubernetes quantity ("500m", "1.5", "1536Mi", "2e3").
 *
 * unit  the scale of the result: 1000 for thousandths (CPU), 1 for bytes.
 * Rounds up, as Kubernetes does. Returns false if invalid or out of range.
 * Source: apimachinery pkg/api/resource/quantity.go.
 */
bool quantity_parse(const char *text, int64_t unit, int64_t *ret_value);

#endif
