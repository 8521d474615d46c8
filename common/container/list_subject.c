#include "common/container/list_subject.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/buf.h"
#include "common/base/clock.h"
#include "common/base/strutil.h"

#define LABELS_MAX (1024u * 1024) /* bytes; above any Kubernetes object */

static void read_labels(const cJSON *labels, struct buf *out)
{
	const cJSON *label = NULL;

	cJSON_ArrayForEach (label, json_members(labels)) {
		const char *value = cJSON_GetStringValue(label);

		if (!value)
			continue;
		buf_addf(out, "%s=%s", label->string, value);
		buf_add_char(out, '\0');
	}
}

static const char *text_at(const cJSON *container, const char *path)
{
	const char *text = json_string_at(container, path);

	return text ? text : "";
}

/* Append a text with its NUL. */
static const char *pack(char **at, const char *text, size_t len)
{
	char *copy = *at;

	memcpy(copy, text, len);
	copy[len] = '\0';
	*at += len + 1;
	return copy;
}

enum rc list_subject_read(const cJSON *container, struct list_subject **ret_subject, struct error *err)
{
	const char *id = text_at(container, "id");
	const char *name = text_at(container, "spec.metadata.name");
	const char *created = text_at(container, "create_time");
	struct buf labels cleanup_buf = buf_make(LABELS_MAX);
	char image[LIST_IMAGE_MAX];
	enum container_status status;
	struct list_subject *subject; /* followed by the texts */
	char *at;

	if (!id[0] || !container_status_from_name(text_at(container, "status"), &status))
		return error_set(err, RC_INVALID_ARGUMENT, "a container without id or status");
	snprintf(image, sizeof(image), "%s", text_at(container, "spec.image.reference"));
	str_trim_broken_utf8(image);
	read_labels(json_at(container, "spec.metadata.labels"), &labels);
	if (buf_check(&labels, err))
		return labels.failed;
	subject = calloc(1, sizeof(*subject) + strlen(id) + strlen(name) + strlen(image) + labels.len + 4);
	if (!subject)
		return error_no_memory(err);
	at = (char *)(subject + 1);
	subject->status = status;
	subject->instance_id = pack(&at, id, strlen(id));
	subject->spec_name = pack(&at, name, strlen(name));
	subject->image = pack(&at, image, strlen(image));
	subject->labels = pack(&at, labels.data, labels.len);
	subject->name = subject->instance_id;
	if (!clock_parse_rfc3339(created, &subject->created_ms))
		subject->created_ms = 0;
	*ret_subject = subject;
	return RC_OK;
}
