/*
 * Three-way merge, to update an object that other programs modify as well. Pure.
 *
 * An update is GET, this merge, and PUT with the resourceVersion that was read. Why not the mechanisms of the API
 * server:
 * - Server-side apply: fields written by our POST are owned by the manager "NAME, operation Update"; a later apply by
 *   NAME is another owner, so omitted fields stay. An apply also creates an object that was just deleted, and needs a
 *   read for a version precondition.
 * - A strategic merge patch merges ports by containerPort or port alone: of two that differ only by protocol it loses
 *   one (kubernetes#39188, #105610). It inserts new elements before existing ones, and has no version precondition
 *   either.
 * - A JSON merge patch replaces whole lists, including sidecars and injected variables.
 * tests/end-to-end/test_update.py verifies on the real API server what is kept.
 */
#ifndef COMMON_CONTAINER_OBJECT_MERGE_H
#define COMMON_CONTAINER_OBJECT_MERGE_H

#include "common/services/json.h"

/*
 * Apply the difference of two desired objects to `live`: equal members are left as in `live`, changed or new ones are
 * set, those missing in `to` are removed. Lists whose elements have a name (see the table) are merged by name: elements
 * of others keep their positions, ours get the order of `to`; other lists, and those with duplicate names, are
 * replaced.
 *
 * from, to  as workload_write() writes them: the old state, and the new one.
 * live      as read from the API server; invalid after an error.
 * Errors: RC_NO_MEMORY.
 */
enum rc object_merge(const cJSON *from, const cJSON *to, cJSON *live, struct error *err) must_check;

#endif
