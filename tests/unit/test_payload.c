#include <criterion/criterion.h>

#include "registrar/payload.h"

#define START "{\"name\":\"p\",\"service_type\":\"container\",\"schema_version\":\"v1alpha1\",\"endpoint\":\""
#define OPERATIONS "/api/v1alpha1/containers\",\"operations\":[\"CREATE\",\"DELETE\",\"READ\",\"UPDATE\"]"

static const struct {
	const char *endpoint, *display, *region, *zone;
	const char *json;
} payloads[] = {
	{ "http://h", "", "", "", START "http://h" OPERATIONS "}" },
	{ "http://h:1/", "", "", "", START "http://h:1" OPERATIONS "}" },
	{ "http://h/a//", "D", "", "", START "http://h/a" OPERATIONS ",\"display_name\":\"D\"}" },
	{ "http://h", "", "r", "", START "http://h" OPERATIONS ",\"metadata\":{\"region_code\":\"r\"}}" },
	{ "http://h", "", "", "z", START "http://h" OPERATIONS ",\"metadata\":{\"zone\":\"z\"}}" },
	{ "http://h", "\"", "r", "z",
	  START "http://h" OPERATIONS
		",\"display_name\":\"\\\"\",\"metadata\":{\"region_code\":\"r\",\"zone\":\"z\"}}" },
};

Test(payload, has_the_configured_members)
{
	for (size_t i = 0; i < ARRAY_LEN(payloads); i++) {
		struct buf out cleanup_buf = buf_make(PAYLOAD_MAX);
		struct registrar_config config = {
			.name = "p",
			.endpoint = payloads[i].endpoint,
			.display_name = payloads[i].display,
			.region = payloads[i].region,
			.zone = payloads[i].zone,
		};

		payload_write(&config, RESOURCE_CONTAINER, &out);
		cr_expect_str_eq(out.data, payloads[i].json);
	}
}

static const struct {
	const char *url, *post_to, *shown;
} urls[] = {
	{ "http://h", "http://h/providers", "http://h" },
	{ "http://h/", "http://h/providers", "http://h/" },
	{ "https://h:1/api/v1//", "https://h:1/api/v1/providers", "https://h:1/api/v1//" },
	{ "http://u:p@h/a@b", "http://u:p@h/a@b/providers", "http://h/a@b" },
	{ "http://u:p@q@[::1]:8", "http://u:p@q@[::1]:8/providers", "http://[::1]:8" },
};

Test(payload, urls_have_no_double_slashes_and_are_shown_without_passwords)
{
	for (size_t i = 0; i < ARRAY_LEN(urls); i++) {
		struct registrar_config config = { .registration_url = urls[i].url };
		struct buf out cleanup_buf = buf_make(PAYLOAD_MAX);

		payload_write_url(&config, &out);
		cr_expect_str_eq(out.data, urls[i].post_to);
		buf_reset(&out);
		payload_write_shown(urls[i].url, &out);
		cr_expect_str_eq(out.data, urls[i].shown);
	}
}
