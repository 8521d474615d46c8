#include "common/kube/kube_uid.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool kube_uid_equal(const struct kube_uid *a, const struct kube_uid *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

bool kube_uid_is_set(const struct kube_uid *uid)
{
	static const struct kube_uid none;

	return !kube_uid_equal(uid, &none);
}

struct kube_uid kube_uid_parse(const char *text)
{
	struct kube_uid uid = { 0 };
	char digits[33];
	size_t count = 0;

	if (!text || strlen(text) != KUBE_UID_TEXT_MAX - 1)
		return uid;
	for (const char *c = text; *c; c++)
		if (*c != '-' && count < sizeof(digits) - 1)
			digits[count++] = *c;
	digits[count] = '\0';
	if (count != 32 || strspn(digits, "0123456789abcdef") != 32)
		return uid;
	for (size_t i = 0; i < sizeof(uid.bytes); i++) {
		char pair[3] = { digits[2 * i], digits[2 * i + 1], '\0' };

		uid.bytes[i] = (uint8_t)strtoul(pair, NULL, 16);
	}
	return uid;
}

void kube_uid_format(const struct kube_uid *uid, char out[KUBE_UID_TEXT_MAX])
{
	char *at = out;

	for (size_t i = 0; i < sizeof(uid->bytes); i++) {
		if (i == 4 || i == 6 || i == 8 || i == 10)
			*at++ = '-';
		at += snprintf(at, 3, "%02x", uid->bytes[i]);
	}
}

struct kube_uid kube_uid_of_owner(const cJSON *object)
{
	const cJSON *owners = json_at(object, "metadata.ownerReferences");
	const cJSON *owner = NULL;

	cJSON_ArrayForEach (owner, owners)
		if (json_true_at(owner, "controller"))
			return kube_uid_parse(json_string_at(owner, "uid"));
	return kube_uid_parse(json_string_at(cJSON_GetArrayItem(owners, 0), "uid"));
}
