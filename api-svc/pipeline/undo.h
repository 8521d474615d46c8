/*
 * Undoes creates whose response was not delivered, or whose outcome is unknown. The sweeper of the workers would remove
 * them as well, but later: DCM repeats such a create, treats the 409 as final and loses the container.
 */
#ifndef API_SVC_PIPELINE_UNDO_H
#define API_SVC_PIPELINE_UNDO_H

#include <stdbool.h>
#include <stdint.h>

#include "api-svc/pipeline/worker_client.h"

struct undo_what {
	const char *id;         /* of the container */
	const char *token;      /* of the create: objects of other creates are not affected */
	uint64_t sequence;      /* of the record that was settled; 0: none. With a key, only that is undone */
	const char *request_id; /* of the create, for the logs */
};

/*
 * Start an undo: retries until a worker replies OK, for up to five minutes, and logs the result. Does not block.
 * Everything is copied. Threads: any.
 */
void undo_begin(struct worker_client *client, const struct undo_what *what);

#endif
