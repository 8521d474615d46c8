/*
 * The records of debts (protocol.h, SETTLING 2) in the provider's bucket: read and changed by compare-and-set.
 */
#ifndef KUBE_WORKER_DEBT_LEDGER_H
#define KUBE_WORKER_DEBT_LEDGER_H

#include <stdatomic.h>

#include "common/bus/bus_bucket.h"
#include "common/container/debt.h"

struct ledger {
	struct bus_caller *caller;
	int64_t replicas;
	atomic_bool opened; /* by this process, once: before it reads */
	char bucket[BUS_BUCKET_MAX];
};

/* A record as it was read. Free with ledger_entry_clear(). */
struct ledger_entry {
	uint64_t sequence; /* 0: there is none */
	struct debt debt;  /* its strings belong to the tree */
	cJSON *tree;
};

void ledger_entry_clear(struct ledger_entry *entry);
#define cleanup_ledger_entry cleanup_with(ledger_entry_clear)

/* A put under way, between ledger_put_begin() and ledger_put_end(). */
struct ledger_put {
	struct bus_pending pending;
	char subject[BUS_BUCKET_SUBJECT_MAX];
};

/* Use the bucket of a provider, with replicas as for bus_bucket_open(). The caller outlives the ledger. */
void ledger_init(struct ledger *ledger, struct bus_caller *caller, const char *provider_name, int64_t replicas);

/*
 * Replace the record whose last sequence is known (0: there is none).
 *
 * key            of debt_key().
 * ret_sequence   of the new one.
 * Errors: RC_CONFLICT another one is there; RC_BUSY one is about to be; RC_UNSUPPORTED there is no JetStream;
 * RC_NOT_FOUND (only of the second half) there is no bucket; RC_UNAVAILABLE JetStream refused it; RC_TIMEOUT NATS is
 * away, or whether it was stored is unknown. Blocks: 1 s at most for each answer.  Threads: any.
 */
enum rc ledger_put(struct ledger *ledger, const char *key, const struct debt *debt, uint64_t last_sequence,
		   uint64_t *ret_sequence, struct error *err) must_check;
enum rc ledger_put_begin(struct ledger *ledger, const char *key, const struct debt *debt, uint64_t last_sequence,
			 struct ledger_put *put, struct error *err) must_check;
enum rc ledger_put_end(struct ledger *ledger, struct ledger_put *put, uint64_t *ret_sequence, struct error *err)
	must_check;

/* Make the bucket unless it exists. Errors: RC_UNSUPPORTED without JetStream; else as bus_bucket_open(). */
enum rc ledger_open(struct ledger *ledger, struct error *err) must_check;

/* Read a record; one that cannot be read is an error, none is RC_OK with sequence 0. */
enum rc ledger_get(struct ledger *ledger, const char *key, struct ledger_entry *ret_entry, struct error *err)
	must_check;

/* Remove the record unless it has changed since that sequence; a failure is only logged. */
void ledger_forget(struct ledger *ledger, const char *key, uint64_t sequence);

#endif
