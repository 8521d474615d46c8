/*
 * The common main() of all processes: configuration, start, wait, stop.
 */
#ifndef COMMON_SERVICES_PROGRAM_H
#define COMMON_SERVICES_PROGRAM_H

#include "common/services/config.h"

struct program {
	const struct config_program *config;
	void *into;               /* the configuration, zeroed (config_start()) */
	int (*health)(void *ctx); /* --health: prints, and returns what main() returns */
	/*
	 * Start everything, and notify systemd when ready. After an error the process exits without stop().
	 */
	enum rc (*start)(void *ctx, struct error *err);
	bool (*alive)(void *ctx); /* as for lifecycle_wait(); may be NULL */
	/*
	 * Calls lifecycle_begin_stop() first. Returns the exit status; or exits, if threads are still running.
	 */
	int (*stop)(void *ctx);
	void *ctx;
};

/* Returns what main() returns. Blocks. */
int program_run(const struct program *program, int argc, char **argv);

#endif
