/*
 * Undoing creates: of clients that have gone before they had their answer, and of those whose outcome nobody knows.
 * DCM repeats such a create, takes the 409 as final and forgets the container; nobody would ever delete it.
 */
#ifndef API_SVC_UNDO_H
#define API_SVC_UNDO_H

#include <stdbool.h>
#include <stdint.h>

#include "api-svc/worker_client.h"

struct undo_what {
	const char *id;         /* of the container */
	const char *token;      /* of the create: nothing that another create made is touched */
	const char *request_id; /* of the create, for the logs */
	/*
	 * The create may still be running somewhere: it is undone now, and once more so many milliseconds from now,
	 * when its deadline has passed for good. 0: it has run to its end.
	 */
	int64_t again_in_ms;
};

/*
 * Begin to undo: asks until a worker has said OK, for up to five minutes, and logs how it ended. Needs no one to wait.
 * Everything is copied. Threads: any.
 */
void undo_begin(struct worker_client *client, const struct undo_what *what);

#endif
