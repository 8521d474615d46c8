/*
 * The console: a page in the browser that is a client of the API like any other. Its files are part of the program.
 */
#ifndef API_SVC_CONSOLE_CONSOLE_H
#define API_SVC_CONSOLE_CONSOLE_H

#include <stdbool.h>
#include <stddef.h>

/* A file of the console; all of it lives forever. */
struct console_file {
	const char *path; /* under which it is served: "/console" */
	const char *media_type;
	const char *text;
	size_t len;
};

/*
 * The headers of its files, names and values in turn, NULL at the end: nothing but these files may run, nothing but
 * this service is spoken to, and no other page may frame it.
 * Source: CSP Level 3; Fetch (X-Content-Type-Options); RFC 9111 (no-cache: a new version is shown at once).
 */
extern const char *const console_headers[];

/* The file of that path; false: there is none. */
bool console_find(const char *path, struct console_file *ret_file);

#endif
