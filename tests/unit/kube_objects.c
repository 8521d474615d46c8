#include "tests/unit/kube_objects.h"

#include <criterion/criterion.h>
#include <string.h>

struct fact *fact_of(enum kube_kind kind, const char *text)
{
	cleanup_json cJSON *object = NULL;
	struct fact *fact = NULL;
	struct error err = { 0 };

	cr_assert_eq(json_parse(text, strlen(text), &object, &err), RC_OK, "%s in %s", err.text, text);
	cr_assert_eq(fact_from_object(kind, object, &fact, &err), RC_OK, "%s in %s", err.text, text);
	return fact;
}
