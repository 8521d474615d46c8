#include "common/container/list_subject.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/buf.h"
#include "common/base/clock.h"
#include "common/base/strutil.h"

#define LABELS_MAX (1024u * 1024) /* bytes; no object of Kubernetes has more */

/* The block: the texts come after it. */
struct packed {
	struct list_subject subject;
	struct fact root;
};

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

/* Copy a text, with its NUL, to where the one before has ended. */
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
	char image[FACT_IMAGE_MAX];
	enum container_status status;
	struct packed *packed;
	char *at;

	if (!id[0] || !container_status_from_name(text_at(container, "status"), &status))
		return error_set(err, RC_INVALID_ARGUMENT, "what is told of a container has no id or no status");
	snprintf(image, sizeof(image), "%s", text_at(container, "spec.image.reference"));
	str_trim_broken_utf8(image);
	read_labels(json_at(container, "spec.metadata.labels"), &labels);
	if (buf_check(&labels, err))
		return labels.failed;
	packed = calloc(1, sizeof(*packed) + strlen(id) + strlen(name) + strlen(image) + labels.len + 4);
	if (!packed)
		return error_no_memory(err);
	at = (char *)(packed + 1);
	packed->subject = (struct list_subject){ &packed->root, status };
	packed->root.instance_id = pack(&at, id, strlen(id));
	packed->root.spec_name = pack(&at, name, strlen(name));
	packed->root.image = pack(&at, image, strlen(image));
	packed->root.labels = pack(&at, labels.data, labels.len);
	packed->root.name = packed->root.instance_id;
	if (!clock_parse_rfc3339(created, &packed->root.created_ms))
		packed->root.created_ms = 0;
	*ret_subject = &packed->subject;
	return RC_OK;
}
