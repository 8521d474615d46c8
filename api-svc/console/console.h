/*
 * The web console, a client of the API. Its files are embedded in the program.
 */
#ifndef API_SVC_CONSOLE_CONSOLE_H
#define API_SVC_CONSOLE_CONSOLE_H

#include <stdbool.h>
#include <stddef.h>

/* A file of the console; static. */
struct console_file {
	const char *path; /* its URL path: "/console" */
	const char *media_type;
	const char *text;
	size_t len;
};

/*
 * The headers of its files, alternating names and values, NULL-terminated: only these scripts may run, only this
 * service may be contacted, and no other page may frame it.
 * Source: CSP Level 3; Fetch (X-Content-Type-Options); RFC 9111 (no-cache: a new version is used immediately).
 */
extern const char *const console_headers[];

/* The file with that path; false: none. */
bool console_find(const char *path, struct console_file *ret_file);

#endif
