/*
 * Debt records (protocol.h, SETTLING 2) in the provider's bucket: read and updated by compare-and-set.
 */
#ifndef KUBE_WORKER_DEBT_LEDGER_H
#define KUBE_WORKER_DEBT_LEDGER_H

#include <stdatomic.h>

#include "common/bus/bus_bucket.h"
#include "common/container/debt.h"

struct ledger {
	struct bus_caller *caller;
	int64_t replicas;
	atomic_bool opened; /* by this process, once before reading */
	char bucket[BUS_BUCKET_MAX];
};

/* A record as read. Free with ledger_entry_clear(). */
struct ledger_entry {
	uint64_t sequence; /* 0: there is none */
	struct debt debt;  /* its strings are owned by the tree */
	cJSON *tree;
};

void ledger_entry_clear(struct ledger_entry *entry);
#define cleanup_ledger_entry cleanup_with(ledger_entry_clear)

/* A pending put, between ledger_put_begin() and ledger_put_end(). */
struct ledger_put {
	struct bus_pending pending;
	char subject[BUS_BUCKET_SUBJECT_MAX];
};

/* Use the bucket of a provider, with replicas as for bus_bucket_open(). The caller must outlive the ledger. */
void ledger_init(struct ledger *ledger, struct bus_caller *caller, const char *provider_name, int64_t replicas);

/*
 * Replace the record with a known last sequence (0: none).
 *
 * key            of debt_key().
 * ret_sequence   of the new one.
 * Errors: RC_CONFLICT the sequence differs; RC_BUSY another put is pending; RC_UNSUPPORTED no JetStream; RC_NOT_FOUND
 * (only in the second half) no bucket; RC_UNAVAILABLE rejected by JetStream; RC_TIMEOUT NATS is unavailable, or the
 * outcome is unknown. Blocks: 1 s at most per reply.  Threads: any.
 */
enum rc ledger_put(struct ledger *ledger, const char *key, const struct debt *debt, uint64_t last_sequence,
		   uint64_t *ret_sequence, struct error *err) must_check;
enum rc ledger_put_begin(struct ledger *ledger, const char *key, const struct debt *debt, uint64_t last_sequence,
			 struct ledger_put *put, struct error *err) must_check;
enum rc ledger_put_end(struct ledger *ledger, struct ledger_put *put, uint64_t *ret_sequence, struct error *err)
	must_check;

/* Create the bucket unless it exists. Errors: RC_UNSUPPORTED without JetStream; else as bus_bucket_open(). */
enum rc ledger_open(struct ledger *ledger, struct error *err) must_check;

/* Read a record; a malformed one is an error, a missing one is RC_OK with sequence 0. */
enum rc ledger_get(struct ledger *ledger, const char *key, struct ledger_entry *ret_entry, struct error *err)
	must_check;

/* Remove the record unless it has changed since that sequence; failures are only logged. */
void ledger_forget(struct ledger *ledger, const char *key, uint64_t sequence);

#endif
