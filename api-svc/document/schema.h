/*
 * Schemas of the API document (OpenAPI 3.0.3), compiled once at startup: references resolved, patterns compiled, and
 * unknown keywords rejected, so that every constraint of the document is enforced. Validation: validator.h.
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

/* The value of `additionalProperties`. */
enum schema_additional {
	SCHEMA_ADDITIONAL_UNSAID, /* accepted and, if properties are defined, ignored */
	SCHEMA_ADDITIONAL_KEPT,   /* true, or a schema for them */
	SCHEMA_ADDITIONAL_REFUSED,
};

struct schema;

struct schema_property {
	const char *name; /* owned by the document */
	const struct schema *schema;
};

/* A list of schemas, for example of allOf. */
struct schema_list {
	const struct schema **items;
	size_t count;
};

/* The constraints of a `format`. */
struct schema_format {
	const char *name;
	bool (*valid_text)(const char *text); /* NULL: none for strings */
	double minimum, maximum;              /* of numbers; both 0: no limits */
	const char *form;                     /* "must be ..." */
};

/* Used by the validator and the projection; immutable after compilation. */
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
 * Returns NULL if out of memory.
 */
struct schema_set *schema_set_create(const cJSON *document);

/* Free it and all its schemas. NULL is allowed. */
void schema_set_destroy(struct schema_set *set);

/*
 * Compile the schema at `node` of the document; each node is compiled once.
 *
 * ret_schema owned by the set.
 * Errors: RC_INVALID_ARGUMENT for an unknown keyword, type or format, a malformed keyword, a dangling or cyclic
 * reference, a pattern not supported by POSIX extended regular expressions; RC_NO_MEMORY.
 */
enum rc schema_compile(struct schema_set *set, const cJSON *node, const struct schema **ret_schema, struct error *err)
	must_check;

/*
 * Resolve {"$ref": "#/..."} from `node`, repeatedly; a node without it is returned itself. NULL: a dangling, external
 * or cyclic reference.
 */
const cJSON *schema_resolve(const cJSON *document, const cJSON *node);

/* The name of a type: "object"; "any value" for SCHEMA_ANY. */
const char *schema_type_name(enum schema_type type);

#endif
