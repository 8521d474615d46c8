#include "common/services/program.h"

#include <stdlib.h>
#include <unistd.h>

#include "common/services/lifecycle.h"
#include "common/services/log.h"

int program_run(const struct program *program, int argc, char **argv)
{
	struct error err;
	int code;

	switch (config_start(program->config, argc, argv, program->into)) {
	case CONFIG_HEALTH:
		return program->health(program->ctx);
	case CONFIG_EXIT_OK:
		return EXIT_SUCCESS;
	case CONFIG_EXIT_BAD:
		return EXIT_FAILURE;
	case CONFIG_RUN:
		break;
	}
	lifecycle_init();
	if (program->start(program->ctx, &err)) {
		log_error("cannot start", log_err(&err));
		_exit(EXIT_FAILURE); /* threads that were started need no cleanup */
	}
	lifecycle_wait(program->alive, program->ctx);
	code = program->stop(program->ctx);
	log_info("stopped");
	return code;
}
