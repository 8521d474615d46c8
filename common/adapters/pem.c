/* Included first: OpenSSL uses the identifier `unused`, which common/base/compiler.h defines as a macro. */
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "common/adapters/pem.h"

#include <limits.h>
#include <string.h>

static BIO *open_text(const char *text)
{
	size_t len = strlen(text);

	return len <= INT_MAX ? BIO_new_mem_buf(text, (int)len) : NULL;
}

/* Without it OpenSSL would prompt on the terminal. */
static int no_passphrase(char *out unused, int size unused, int for_writing unused, void *ctx unused)
{
	return -1;
}

enum rc pem_check_certificates(const char *pem, struct error *err)
{
	BIO *bio = open_text(pem);
	size_t count = 0;
	bool at_end;

	if (!bio)
		return error_no_memory(err);
	for (;;) {
		X509 *certificate = PEM_read_bio_X509(bio, NULL, no_passphrase, NULL);

		if (!certificate)
			break;
		X509_free(certificate);
		count++;
	}
	at_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
	ERR_clear_error(); /* curl reads the same queue */
	BIO_free(bio);
	if (!at_end)
		return error_set(err, RC_INVALID_ARGUMENT, "certificate %zu of the PEM is invalid", count + 1);
	if (count == 0)
		return error_set(err, RC_INVALID_ARGUMENT,
				 "no certificate found (no line -----BEGIN CERTIFICATE-----)");
	return RC_OK;
}

static enum rc read_key(const char *text, EVP_PKEY **ret_key, struct error *err)
{
	BIO *bio = open_text(text);
	EVP_PKEY *key;

	if (!bio)
		return error_no_memory(err);
	key = PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL);
	ERR_clear_error();
	BIO_free(bio);
	if (!key && strstr(text, "ENCRYPTED"))
		return error_set(err, RC_INVALID_ARGUMENT, "the private key has a passphrase, which is not supported");
	if (!key)
		return error_set(err, RC_INVALID_ARGUMENT, "no valid private key found");
	*ret_key = key;
	return RC_OK;
}

enum rc pem_check_pair(const char *certificates, const char *key, struct error *err)
{
	X509 *certificate = NULL;
	EVP_PKEY *private_key = NULL;
	BIO *bio;
	bool match;
	enum rc rc;

	rc = read_key(key, &private_key, err);
	if (rc)
		return rc;
	bio = open_text(certificates);
	certificate = bio ? PEM_read_bio_X509(bio, NULL, no_passphrase, NULL) : NULL;
	match = certificate && X509_check_private_key(certificate, private_key) == 1;
	ERR_clear_error();
	X509_free(certificate);
	EVP_PKEY_free(private_key);
	BIO_free(bio);
	if (!match)
		return error_set(err, RC_INVALID_ARGUMENT, "the private key does not match the certificate");
	return RC_OK;
}
