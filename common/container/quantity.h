/*
 * Amounts of CPU and memory: as our clients write them, and as Kubernetes does. Compared as integers, never as text,
 * because Kubernetes gives them back in its own form (1024Mi becomes 1Gi).
 */
#ifndef COMMON_CONTAINER_QUANTITY_H
#define COMMON_CONTAINER_QUANTITY_H

#include <stdbool.h>
#include <stdint.h>

#include "common/services/json.h"

/*
 * Read a client's CPU amount: whole cores as an integer >= 1, or a string such as "2" or "500m" (contract: pattern
 * ^[1-9][0-9]*m?$). False for anything else and above INT64_MAX thousandths. ret_milli: thousandths of a core.
 */
bool quantity_parse_cpu(const cJSON *value, int64_t *ret_milli);

/*
 * Read a client's memory amount: digits and MB, GB or TB, greater than zero; the units are Mi, Gi and Ti, one to one.
 * False for anything else and above INT64_MAX bytes.
 */
bool quantity_parse_memory(const char *text, int64_t *ret_bytes);

/*
 * Read a Kubernetes quantity ("500m", "1.5", "1536Mi", "2e3").
 *
 * unit  how many parts of one the result counts: 1000 gives thousandths (CPU), 1 whole ones (bytes).
 * Rounds up, as Kubernetes does. False for what is no quantity and for what does not fit.
 * Source: apimachinery pkg/api/resource/quantity.go.
 */
bool quantity_parse(const char *text, int64_t unit, int64_t *ret_value);

#endif
