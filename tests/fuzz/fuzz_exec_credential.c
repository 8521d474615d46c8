/* The output of an exec plugin: rejected with a message without its values, or valid credentials for a header. */
#include <string.h>

#include "common/kube/exec_credential.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct exec_credential credential cleanup_with(exec_credential_clear) = { 0 };
	struct error err = { .rc = RC_OK };
	enum rc rc = exec_credential_parse((const char *)data, size, "client.authentication.k8s.io/v1", &credential,
					   &err);

	if (rc) {
		FUZZ_CHECK(err.text[0] && !credential.token && !credential.cert && !credential.key);
		return 0;
	}
	FUZZ_CHECK(credential.token || credential.cert);
	FUZZ_CHECK(!credential.cert == !credential.key);
	FUZZ_CHECK(!credential.token || (credential.token[0] && !strpbrk(credential.token, " \t\r\n")));
	return 0;
}
