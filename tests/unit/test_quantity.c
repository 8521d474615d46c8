#include <criterion/criterion.h>

#include "common/container/quantity.h"
#include "common/services/json.h"

Test(quantity, kubernetes_quantities_are_parsed)
{
	static const struct {
		const char *text;
		int64_t unit;
		bool good;
		int64_t value;
	} cases[] = {
		{ "1", 1000, true, 1000 },
		{ "500m", 1000, true, 500 },
		{ "0.5", 1000, true, 500 },
		{ "1.0005", 1000, true, 1001 },
		{ "1n", 1000, true, 1 },
		{ "2k", 1, true, 2000 },
		{ "1Gi", 1, true, 1 << 30 },
		{ "1536Mi", 1, true, 1610612736 },
		{ "1.5Gi", 1, true, 1610612736 },
		{ "1e3", 1, true, 1000 },
		{ "1E3", 1, true, 1000 },
		{ "5e-1", 1000, true, 500 },
		{ "128974848", 1, true, 128974848 },
		{ "8Ei", 1, false, 0 },
		{ "", 1, false, 0 },
		{ "Mi", 1, false, 0 },
		{ "1Xi", 1, false, 0 },
		{ "-1", 1, false, 0 },
		{ "99999999999999999999", 1, false, 0 },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		int64_t value = 0;

		cr_expect_eq(quantity_parse(cases[i].text, cases[i].unit, &value), cases[i].good, "'%s'",
			     cases[i].text);
		cr_expect_eq(value, cases[i].value, "'%s': %ld", cases[i].text, (long)value);
	}
}

Test(quantity, quantities_of_clients_are_validated)
{
	static const struct {
		const char *cpu; /* JSON */
		int64_t milli;   /* 0: rejected */
	} cpus[] = {
		{ "1", 1000 },       { "\"2\"", 2000 },
		{ "\"500m\"", 500 }, { "0", 0 },
		{ "1.5", 0 },        { "\"1.5\"", 0 },
		{ "\"0\"", 0 },      { "\"0500m\"", 0 },
		{ "\"-1\"", 0 },     { "true", 0 },
		{ "\"\"", 0 },       { "\"m\"", 0 },
		{ "\"1k\"", 0 },     { "\"9999999999999999999\"", 0 },
	};
	static const struct {
		const char *memory;
		int64_t bytes; /* 0: rejected */
	} memories[] = {
		{ "1MB", 1 << 20 },   { "1024MB", 1 << 30 }, { "1GB", 1 << 30 },
		{ "2TB", 2LL << 40 }, { "0MB", 0 },          { "1", 0 },
		{ "1Mi", 0 },         { "MB", 0 },           { "-1MB", 0 },
		{ "1.5GB", 0 },       { "9999999999TB", 0 }, { "007MB", 7 << 20 },
	};

	for (size_t i = 0; i < ARRAY_LEN(cpus); i++) {
		cleanup_json cJSON *value = cJSON_Parse(cpus[i].cpu);
		int64_t milli = 0;

		cr_expect_eq(quantity_parse_cpu(value, &milli), cpus[i].milli != 0, "%s", cpus[i].cpu);
		cr_expect_eq(milli, cpus[i].milli, "%s", cpus[i].cpu);
	}
	for (size_t i = 0; i < ARRAY_LEN(memories); i++) {
		int64_t bytes = 0;

		cr_expect_eq(quantity_parse_memory(memories[i].memory, &bytes), memories[i].bytes != 0, "%s",
			     memories[i].memory);
		cr_expect_eq(bytes, memories[i].bytes, "%s", memories[i].memory);
	}
}
