/*
 * Schemas of the API document (OpenAPI 3.0.3), compiled once at start: references resolved, patterns compiled, and
 * every keyword known, so that the document never promises a check that is not made. Validation: validator.h.
 */
#ifndef API_SVC_DOCUMENT_SCHEMA_H
#define API_SVC_DOCUMENT_SCHEMA_H

#include <regex.h>
#include <stdbool.h>
#include <stddef.h>

#include "common/base/error.h"
#include "common/services/json.h"

enum schema_type {
	SCHEMA_ANY, /* no `type`: any value */
	SCHEMA_OBJECT,
	SCHEMA_ARRAY,
	SCHEMA_STRING,
	SCHEMA_INTEGER,
	SCHEMA_NUMBER,
	SCHEMA_BOOLEAN,
	SCHEMA_TYPE_COUNT
};

/* What `additionalProperties` says. */
enum schema_additional {
	SCHEMA_ADDITIONAL_UNSAID, /* accepted and, where properties are named, ignored */
	SCHEMA_ADDITIONAL_KEPT,   /* true, or a schema for them */
	SCHEMA_ADDITIONAL_REFUSED,
};

struct schema;

struct schema_property {
	const char *name; /* belongs to the document */
	const struct schema *schema;
};

/* A list of schemas, as allOf has one. */
struct schema_list {
	const struct schema **items;
	size_t count;
};

/* What a `format` means beyond a word for readers. */
struct schema_format {
	const char *name;
	bool (*valid_text)(const char *text); /* NULL: says nothing about strings */
	double minimum, maximum;              /* of numbers; both 0: no limits */
	const char *form;                     /* "must be ..." */
};

/* The fields are read by the validator and the projection; they never change after compilation. */
struct schema {
	enum schema_type type;
	bool nullable;
	bool read_only;
	const struct schema_format *format; /* NULL: none */
	const cJSON *enumeration;           /* array of the document, or NULL */
	const cJSON *otherwise;             /* `default`, of the document, or NULL */

	bool exclusive_minimum, exclusive_maximum;
	double minimum, maximum;               /* infinite: no limit */
	size_t min_length, max_length;         /* characters */
	size_t min_items, max_items;           /* 0 and SIZE_MAX: no limit */
	size_t min_properties, max_properties; /* 0 and SIZE_MAX: no limit */
	bool unique_items;
	bool has_pattern;
	regex_t pattern;
	const char *pattern_text;
	const char *must_be; /* x-must-be: what the pattern means, human-readable; NULL: the pattern itself is shown */

	struct schema_property *properties;
	size_t property_count;
	const cJSON *required; /* array of strings of the document, or NULL */
	enum schema_additional additional;
	const struct schema *additional_schema; /* NULL: any value */
	const struct schema *items;

	struct schema_list all_of, any_of, one_of;
	const struct schema *not_schema;
};

/* All schemas of one document. */
struct schema_set;

/*
 * Make an empty set. The document is borrowed and must outlive the set.
 * Returns NULL when out of memory.
 */
struct schema_set *schema_set_create(const cJSON *document);

/* Free it and all its schemas. NULL is allowed. */
void schema_set_destroy(struct schema_set *set);

/*
 * Compile the schema at `node` of the document; a node is compiled once, however often it is referred to.
 *
 * ret_schema  belongs to the set.
 * Errors: RC_INVALID_ARGUMENT for an unknown keyword, type or format, a keyword of the wrong shape, a reference that
 * leads nowhere or into itself, a pattern that POSIX extended expressions cannot say; RC_NO_MEMORY.
 */
enum rc schema_compile(struct schema_set *set, const cJSON *node, const struct schema **ret_schema, struct error *err)
	must_check;

/*
 * Follow {"$ref": "#/..."} from `node`, as often as needed; a node without it is returned itself.
 * NULL: a reference that leads nowhere, out of the document, or in a circle.
 */
const cJSON *schema_resolve(const cJSON *document, const cJSON *node);

/* The name of a type: "object"; "any value" for SCHEMA_ANY. */
const char *schema_type_name(enum schema_type type);

#endif
