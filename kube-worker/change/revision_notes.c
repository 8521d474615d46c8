#include "kube-worker/change/revision_notes.h"

#include <string.h>

#include "common/adapters/crypto.h"
#include "common/base/strutil.h"
#include "common/container/container_write.h"
#include "common/container/labels.h"
#include "common/services/json_write.h"
#include "kube-worker/change/change_mark.h"

#define ANNOTATIONS_MAX (256u * 1024) /* bytes of all names and values (apimachinery, TotalAnnotationSizeLimitB) */
#define FOREIGN_ROOM (16u * 1024)     /* reserved for controllers and other programs */
#define NOTES_SIZE_MAX (64u * 1024)   /* bytes; copied to each ControllerRevision */
#define REPLICASET_LABEL "pod-template-hash" /* set by the controller, not in the Deployment */

#define TEMPLATE "template"
#define SPEC "spec"
#define CHANGE "change"

struct revision_note revision_note_of(const cJSON *object)
{
	const cJSON *annotations = json_at(object, "metadata.annotations");

	return (struct revision_note){
		.spec = cJSON_GetStringValue(json_get(annotations, ANNOTATION_SPEC)),
		.change = cJSON_GetStringValue(json_get(annotations, ANNOTATION_CHANGE)),
	};
}

/* ---- templates --------------------------------------------------------------------------------------------------- */

/* Releases before 1.34 write an unset time as null. */
static void drop_time(cJSON *metadata)
{
	if (cJSON_IsNull(json_get(metadata, "creationTimestamp")))
		cJSON_DeleteItemFromObjectCaseSensitive(metadata, "creationTimestamp");
}

enum rc revision_digest(const cJSON *object, char ret_digest[REVISION_DIGEST_MAX], struct error *err)
{
	cleanup_json cJSON *template = cJSON_Duplicate(json_at(object, "spec.template"), 1);
	struct buf text cleanup_buf = buf_make(CONTAINER_OBJECT_MAX);
	struct json_writer w = json_writer_make(&text);
	enum rc rc;

	cJSON_DeleteItemFromObjectCaseSensitive(template, "$patch"); /* of a ControllerRevision */
	cJSON_DeleteItemFromObjectCaseSensitive(json_at(template, "metadata.labels"), REPLICASET_LABEL);
	drop_time(json_get(template, "metadata"));
	rc = json_canonical(&w, NULL, template, err);
	if (!rc)
		rc = buf_check(&text, err);
	if (!rc && !crypto_sha256_hex(text.data, text.len, (REVISION_DIGEST_MAX - 1) / 2, ret_digest))
		rc = error_set(err, RC_INTERNAL, "libcrypto cannot compute a digest");
	return rc;
}

/* ---- notes ------------------------------------------------------------------------------------------------------- */

enum rc revision_notes_read(const cJSON *root, cJSON **ret_notes, struct error *err)
{
	const char *text = cJSON_GetStringValue(json_get(json_at(root, "metadata.annotations"), ANNOTATION_REVISIONS));
	cleanup_json cJSON *notes = NULL;

	if (text && json_parse(text, strlen(text), &notes, err) == RC_NO_MEMORY)
		return RC_NO_MEMORY;
	*ret_notes = cJSON_IsArray(notes) ? TAKE(notes) : cJSON_CreateArray();
	return *ret_notes ? RC_OK : error_no_memory(err);
}

static cJSON *find(const cJSON *notes, const char *digest)
{
	cJSON *note = NULL;

	cJSON_ArrayForEach (note, notes)
		if (str_equal(json_string_at(note, TEMPLATE), digest))
			return note;
	return NULL;
}

bool revision_notes_find(const cJSON *notes, const char *digest, struct revision_note *ret_note)
{
	const cJSON *note = find(notes, digest);

	if (note)
		*ret_note = (struct revision_note){
			.spec = json_string_at(note, SPEC),
			.change = json_string_at(note, CHANGE),
		};
	return note;
}

/* The available bytes. */
static size_t room(const cJSON *annotations)
{
	size_t taken = strlen(ANNOTATION_REVISIONS) + strlen(ANNOTATION_CHANGING) + CHANGE_MARK_MAX + FOREIGN_ROOM;
	const cJSON *one = NULL;

	cJSON_ArrayForEach (one, annotations)
		if (strcmp(one->string, ANNOTATION_REVISIONS) != 0 && strcmp(one->string, ANNOTATION_CHANGING) != 0 &&
		    cJSON_IsString(one))
			taken += strlen(one->string) + strlen(one->valuestring);
	if (taken >= ANNOTATIONS_MAX)
		return 0;
	return ANNOTATIONS_MAX - taken < NOTES_SIZE_MAX ? ANNOTATIONS_MAX - taken : NOTES_SIZE_MAX;
}

/* As many notes as fit. */
static enum rc write_notes(cJSON *root, cJSON *notes, struct error *err)
{
	cJSON *annotations = json_at(root, "metadata.annotations");
	struct buf text cleanup_buf = buf_make(room(annotations));
	struct json_writer w = json_writer_make(&text);
	enum rc rc;

	json_tree(&w, NULL, notes);
	while (text.failed == RC_TOO_LARGE && notes->child) {
		cJSON_DeleteItemFromArray(notes, cJSON_GetArraySize(notes) - 1);
		buf_reset(&text);
		w = json_writer_make(&text);
		json_tree(&w, NULL, notes);
	}
	cJSON_DeleteItemFromObjectCaseSensitive(annotations, ANNOTATION_REVISIONS);
	if (!notes->child)
		return RC_OK;
	rc = buf_check(&text, err);
	if (rc)
		return rc;
	if (!annotations)
		annotations = cJSON_AddObjectToObject(json_get(root, "metadata"), "annotations");
	return cJSON_AddStringToObject(annotations, ANNOTATION_REVISIONS, text.data) ? RC_OK : error_no_memory(err);
}

static cJSON *make_note(const char *digest, const struct revision_note *note)
{
	cleanup_json cJSON *made = cJSON_CreateObject();

	if (cJSON_AddStringToObject(made, TEMPLATE, digest) &&
	    (!note->spec || cJSON_AddStringToObject(made, SPEC, note->spec)) &&
	    (!note->change || cJSON_AddStringToObject(made, CHANGE, note->change)))
		return TAKE(made);
	return NULL;
}

/* The notes of a root, without the one of its current state. */
static enum rc open_notes(const cJSON *root, char ret_digest[REVISION_DIGEST_MAX], cJSON **ret_notes, struct error *err)
{
	enum rc rc = revision_digest(root, ret_digest, err);

	if (!rc)
		rc = revision_notes_read(root, ret_notes, err);
	if (!rc)
		cJSON_Delete(cJSON_DetachItemViaPointer(*ret_notes, find(*ret_notes, ret_digest)));
	return rc;
}

enum rc revision_notes_take(cJSON *root, struct error *err)
{
	const struct revision_note now = revision_note_of(root);
	char digest[REVISION_DIGEST_MAX];
	cleanup_json cJSON *notes = NULL;
	cJSON *note;
	enum rc rc = open_notes(root, digest, &notes, err);

	if (rc)
		return rc;
	note = make_note(digest, &now);
	if (!note || !cJSON_InsertItemInArray(notes, 0, note)) {
		cJSON_Delete(note);
		return error_no_memory(err);
	}
	while (cJSON_GetArraySize(notes) > REVISION_NOTES_MAX)
		cJSON_DeleteItemFromArray(notes, REVISION_NOTES_MAX);
	return write_notes(root, notes, err);
}

static bool has_notes(const cJSON *root)
{
	return json_get(json_at(root, "metadata.annotations"), ANNOTATION_REVISIONS);
}

enum rc revision_notes_drop(cJSON *root, struct error *err)
{
	char digest[REVISION_DIGEST_MAX];
	cleanup_json cJSON *notes = NULL;
	enum rc rc;

	if (!has_notes(root))
		return RC_OK;
	rc = open_notes(root, digest, &notes, err);
	return rc ? rc : write_notes(root, notes, err);
}

enum rc revision_notes_fit(cJSON *root, struct error *err)
{
	cleanup_json cJSON *notes = NULL;
	enum rc rc;

	if (!has_notes(root))
		return RC_OK;
	rc = revision_notes_read(root, &notes, err);
	return rc ? rc : write_notes(root, notes, err);
}
