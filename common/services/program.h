/*
 * The main() that all processes have: configuration, start, wait for the end, stop.
 */
#ifndef COMMON_SERVICES_PROGRAM_H
#define COMMON_SERVICES_PROGRAM_H

#include "common/services/config.h"

struct program {
	const struct config_program *config;
	void *into;               /* the configuration, zeroed (config_start()) */
	int (*health)(void *ctx); /* --health: prints, and returns what main() returns */
	/*
	 * Start everything, and tell systemd when it is ready. After an error the process ends, and nothing is stopped.
	 */
	enum rc (*start)(void *ctx, struct error *err);
	bool (*alive)(void *ctx); /* as for lifecycle_wait(); may be NULL */
	/*
	 * Begins with lifecycle_begin_stop(). Returns what main() returns; or ends the process, when threads still run.
	 */
	int (*stop)(void *ctx);
	void *ctx;
};

/* Returns what main() returns. Blocks. */
int program_run(const struct program *program, int argc, char **argv);

#endif
