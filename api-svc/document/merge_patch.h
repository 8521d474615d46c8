/*
 * JSON Merge Patch (RFC 7396).
 */
#ifndef API_SVC_DOCUMENT_MERGE_PATCH_H
#define API_SVC_DOCUMENT_MERGE_PATCH_H

#include "common/services/json.h"

/*
 * Apply the member `name` of the patch to that of `target`: null removes it, an object is merged by member, any other
 * value replaces it. No effect if the patch has no such member.
 *
 * target an object; partly changed after an error.
 * Errors: RC_NO_MEMORY.
 */
enum rc merge_patch_member(cJSON *target, const cJSON *patch, const char *name, struct error *err) must_check;

#endif
