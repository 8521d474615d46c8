/* The files of the NATS login: a complete seed and its public key; no message contains any of it. */
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/bus/bus_access.h"
#include "tests/fuzz/fuzz.h"

#define PATH_MAX_BYTES 64

static void check_nkey(const char *text)
{
	struct nkey key = { .seed = "" };

	if (nkey_read(text, &key, NULL))
		FUZZ_CHECK(!key.seed[0] && !key.public[0]);
	else
		FUZZ_CHECK(key.seed[0] == 'S' && key.public[0] == 'U' && strlen(key.seed) == 58 &&
			   strstr(text, key.seed));
}

/* Used as each of the files. */
static void check_file(const char *path)
{
	struct bus_access all[] = {
		{ .credentials = path }, { .nkey = path },   { .user = "u", .password_file = path },
		{ .token_file = path },  { .tls_ca = path }, { .tls_cert = path, .tls_key = path },
	};

	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		const char **settings = (const char **)&all[i];
		struct bus_login login = { .tls = false };
		struct error err = { .rc = RC_OK };

		all[i].urls = "nats://h";
		for (size_t k = 0; k < sizeof(all[i]) / sizeof(*settings); k++)
			settings[k] = settings[k] ? settings[k] : "";
		if (bus_login_read(&all[i], &login, &err))
			FUZZ_CHECK(strstr(err.text, "SP_NATS_") == err.text);
		else
			FUZZ_CHECK(login.servers.count == 1);
		bus_login_clear(&login);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	cleanup_free char *text = strndup((const char *)data, size);
	static int fd = -1;
	static char path[PATH_MAX_BYTES];

	if (fd < 0) {
		fd = memfd_create("login", MFD_CLOEXEC);
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	}
	if (!text || fd < 0 || ftruncate(fd, 0) || pwrite(fd, data, size, 0) != (ssize_t)size)
		return 0;
	check_nkey(text);
	check_file(path);
	return 0;
}
