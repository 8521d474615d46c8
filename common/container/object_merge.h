/*
 * Changing an object that others change as well: a three-way merge. Pure.
 *
 * An update is GET, this merge, and PUT with the resourceVersion that was read. Why not the API server's own ways:
 * - Server-side apply: what our POST wrote belongs to the manager "NAME, operation Update"; a later apply by NAME is
 *   another owner, so what it leaves out stays. An apply also creates what has just been deleted, and cannot be tied to
 *   a version without one read.
 * - A strategic merge patch merges ports by containerPort or port alone: of two that differ only by protocol it loses
 *   one (kubernetes#39188, #105610). It puts what is new before what is there, and knows no version either.
 * - A JSON merge patch replaces lists as a whole, and with them sidecars and injected variables.
 * tests/end-to-end/test_update.py shows on the real API server what stays.
 */
#ifndef COMMON_CONTAINER_OBJECT_MERGE_H
#define COMMON_CONTAINER_OBJECT_MERGE_H

#include "common/services/json.h"

/*
 * Change `live` by what differs between two objects that we wanted: what is the same in both is left as `live` has it,
 * what changed or is new is set, what `to` lacks is removed. Lists whose elements have a name (see the table) are
 * merged by it: foreign elements stay where they are, ours get the order of `to`; other lists, and those with a name
 * twice, are replaced.
 *
 * from, to  as workload_write() writes them: of the old state, and of the new one.
 * live      as the API server has it; after an error half changed: to be thrown away.
 * Errors: RC_NO_MEMORY.
 */
enum rc object_merge(const cJSON *from, const cJSON *to, cJSON *live, struct error *err) must_check;

#endif
