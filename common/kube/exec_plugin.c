#include "common/kube/exec_plugin.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/adapters/subprocess.h"
#include "common/base/strutil.h"
#include "common/services/log.h"
#include "common/services/secret.h"

#define OUTPUT_MAX (1024u * 1024)
#define INFO_MAX (4u * 1024 * 1024)
#define INFO_VARIABLE "KUBERNETES_EXEC_INFO"
#define COMPLAINT_SHOWN 200 /* bytes of stderr in the error's text */

/* ---- arguments and environment ----------------------------------------------------------------------------------- */

/* Strings, borrowed except for those composed here. */
struct strings {
	const char **items; /* NULL at the end */
	size_t count;
	size_t borrowed; /* the first ones are borrowed, the others owned */
};

static void strings_clear(struct strings *s)
{
	for (size_t i = s->borrowed; i < s->count; i++)
		secret_free((char *)(uintptr_t)s->items[i]);
	free(s->items);
}

static bool strings_init(struct strings *s, size_t max)
{
	s->items = calloc(max + 1, sizeof(*s->items));
	return s->items != NULL;
}

static enum rc make_argv(const struct kubeconfig_exec *exec, struct strings *argv, struct error *err)
{
	if (!strings_init(argv, exec->args.count + 1))
		return error_no_memory(err);
	argv->items[argv->count++] = exec->command;
	for (size_t i = 0; i < exec->args.count; i++)
		argv->items[argv->count++] = exec->args.items[i];
	argv->borrowed = argv->count;
	return RC_OK;
}

/* Whether the variable ("NAME=value") is overridden for the plugin. */
static bool is_replaced(const struct kubeconfig_exec *exec, const char *variable)
{
	size_t len = strcspn(variable, "=");

	if (len == strlen(INFO_VARIABLE) && strncmp(variable, INFO_VARIABLE, len) == 0)
		return true;
	for (size_t i = 0; i < exec->env.count; i++)
		if (strlen(exec->env.items[i].name) == len && strncmp(exec->env.items[i].name, variable, len) == 0)
			return true;
	return false;
}

static enum rc add_variable(struct strings *env, const char *name, const char *value, struct error *err)
{
	char *text = NULL;

	if (asprintf(&text, "%s=%s", name, value) < 0)
		return error_no_memory(err);
	env->items[env->count++] = text;
	return RC_OK;
}

/* Our environment, then the kubeconfig's, then KUBERNETES_EXEC_INFO. */
static enum rc make_env(const struct kubeconfig *config, const char *ca_pem, struct strings *env, struct error *err)
{
	const struct kubeconfig_pairs *own = &config->exec.env;
	struct buf info cleanup_buf = buf_make(INFO_MAX);
	size_t count = 0;
	enum rc rc;

	while (environ[count])
		count++;
	if (!strings_init(env, count + own->count + 1))
		return error_no_memory(err);
	for (size_t i = 0; i < count; i++)
		if (!is_replaced(&config->exec, environ[i]))
			env->items[env->count++] = environ[i];
	env->borrowed = env->count;
	exec_credential_add_info(config, ca_pem, &info);
	rc = buf_check(&info, err);
	for (size_t i = 0; !rc && i < own->count; i++)
		rc = add_variable(env, own->items[i].name, own->items[i].value, err);
	return rc ? rc : add_variable(env, INFO_VARIABLE, info.data, err);
}

/* ---- running ----------------------------------------------------------------------------------------------------- */

/* The end of its stderr, as one line. */
static const char *shown_complaint(struct subprocess_result *result)
{
	char *start;

	while (result->complaint_len > 0 && strchr(" \r\n", result->complaint[result->complaint_len - 1]))
		result->complaint[--result->complaint_len] = '\0';
	start = result->complaint;
	if (result->complaint_len > COMPLAINT_SHOWN)
		start += result->complaint_len - COMPLAINT_SHOWN;
	while ((*start & 0xC0) == 0x80) /* start at a character boundary */
		start++;
	for (char *c = start; *c; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7F)
			*c = ' ';
	return *start ? start : "nothing on stderr";
}

static enum rc read_result(const struct kubeconfig_exec *exec, struct subprocess_result *result,
			   struct exec_credential *ret_credential, struct error *err)
{
	if (result->signal)
		return error_set(err, RC_UNAVAILABLE, "killed by signal %d: %s", result->signal,
				 shown_complaint(result));
	if (result->exit_code != 0)
		return error_set(err, RC_UNAVAILABLE, "exit code %d: %s", result->exit_code, shown_complaint(result));
	if (result->complaint_len > 0)
		log_debug("an exec plugin wrote to stderr", log_str("plugin", exec->command),
			  log_str("text", shown_complaint(result)));
	return exec_credential_parse(result->output, result->output_len, exec->api_version, ret_credential, err);
}

/* Prefixed with the name; suffixed with the install hint. */
static enum rc with_name(const struct kubeconfig *config, enum rc rc, struct error *err)
{
	const struct kubeconfig_exec *exec = &config->exec;
	struct error cause;

	if (rc == RC_NO_MEMORY || !err)
		return rc == RC_NO_MEMORY ? rc : RC_UNAVAILABLE;
	cause = *err;
	return error_set(err, RC_UNAVAILABLE, "%s: exec plugin '%.100s': %s%s%.150s", config->user_place, exec->command,
			 cause.text, rc == RC_NOT_FOUND && exec->install_hint ? ": " : "",
			 rc == RC_NOT_FOUND && exec->install_hint ? exec->install_hint : "");
}

enum rc exec_plugin_run(const struct kubeconfig *config, const char *ca_pem, int64_t timeout_ms,
			const atomic_bool *stop, struct exec_credential *ret_credential, struct error *err)
{
	struct strings argv cleanup_with(strings_clear) = { 0 };
	struct strings env cleanup_with(strings_clear) = { 0 };
	struct subprocess_result result cleanup_subprocess_result = { 0 };
	struct subprocess program = { .timeout_ms = timeout_ms, .output_max = OUTPUT_MAX, .stop = stop };
	enum rc rc;

	rc = make_argv(&config->exec, &argv, err);
	if (!rc)
		rc = make_env(config, ca_pem, &env, err);
	if (!rc) {
		program.argv = argv.items;
		program.env = env.items;
		rc = subprocess_run(&program, &result, err);
	}
	if (!rc)
		rc = read_result(&config->exec, &result, ret_credential, err);
	return rc ? with_name(config, rc, err) : RC_OK;
}
