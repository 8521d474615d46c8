/*
 * Undoing creates whose clients have gone before they had their answer, or whose outcome is unknown. The sweeper of the
 * workers would find them as well, but later. DCM repeats such a create, takes the 409 as final and forgets the
 * container.
 */
#ifndef API_SVC_PIPELINE_UNDO_H
#define API_SVC_PIPELINE_UNDO_H

#include <stdbool.h>
#include <stdint.h>

#include "api-svc/pipeline/worker_client.h"

struct undo_what {
	const char *id;         /* of the container */
	const char *token;      /* of the create: nothing that another create made is touched */
	uint64_t sequence;      /* of the record that we have settled; 0: none. By key, only that is undone */
	const char *request_id; /* of the create, for the logs */
};

/*
 * Begin to undo: asks until a worker has said OK, for up to five minutes, and logs how it ended. Needs no one to wait.
 * Everything is copied. Threads: any.
 */
void undo_begin(struct worker_client *client, const struct undo_what *what);

#endif
