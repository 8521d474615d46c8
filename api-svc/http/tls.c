#include "api-svc/http/tls.h"

#include <gnutls/abstract.h>
#include <gnutls/gnutls.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "common/adapters/pem.h"
#include "common/base/clock.h"
#include "common/services/log.h"
#include "common/services/secret.h"

#define PAIR_VARIABLES "SP_SERVER_TLS_CERT, SP_SERVER_TLS_KEY"
#define CLIENT_CA_VARIABLE "SP_SERVER_TLS_CLIENT_CA"
#define CHAIN_MAX 16 /* certificates of the chain */
#define LOOK_MS 1000 /* interval of file checks */
#define RETIRED_MORE_MS 1000

/* A certificate and its key. Running handshakes may still use a replaced one. */
struct pair {
	gnutls_pcert_st chain[CHAIN_MAX];
	unsigned count;
	gnutls_privkey_t key;
	int64_t replaced_ms;
	struct pair *next; /* the replaced one */
};

struct tls {
	struct tls_files files;
	char *client_authorities;
	int64_t handshake_ms;
	pthread_mutex_t lock; /* protects all below */
	struct pair *pairs;   /* the first is the current one */
	struct secret_file_stamp stamps[2];
	int64_t looked_ms;
	bool reading; /* a thread reads the files, without the lock */
};

static struct tls *the_tls; /* set before the first connection, cleared after the last */

static void pair_destroy(struct pair *pair)
{
	if (!pair)
		return;
	for (unsigned i = 0; i < pair->count; i++)
		gnutls_pcert_deinit(&pair->chain[i]);
	gnutls_privkey_deinit(pair->key);
	free(pair);
}

static gnutls_datum_t datum(char *text)
{
	return (gnutls_datum_t){ .data = (unsigned char *)text, .size = (unsigned)strlen(text) };
}

static enum rc make_pair(char *certificate, char *key, struct pair **ret_pair, struct error *err)
{
	gnutls_datum_t certificate_datum = datum(certificate);
	gnutls_datum_t key_datum = datum(key);
	struct pair *pair = calloc(1, sizeof(*pair));
	unsigned count = CHAIN_MAX;
	int fault;

	if (!pair)
		return error_no_memory(err);
	fault = gnutls_pcert_list_import_x509_raw(pair->chain, &count, &certificate_datum, GNUTLS_X509_FMT_PEM, 0);
	if (fault >= 0)
		pair->count = count;
	if (fault >= 0)
		fault = gnutls_privkey_init(&pair->key);
	if (fault >= 0)
		fault = gnutls_privkey_import_x509_raw(pair->key, &key_datum, GNUTLS_X509_FMT_PEM, NULL, 0);
	if (fault < 0) {
		pair_destroy(pair);
		return error_set(err, RC_INVALID_ARGUMENT, "%s", gnutls_strerror(fault));
	}
	*ret_pair = pair;
	return RC_OK;
}

/* ret_pair may be NULL: only validate. */
static enum rc read_pair(const struct tls_files *files, struct pair **ret_pair, struct secret_file_stamp stamps[2],
			 struct error *err)
{
	cleanup_secret char *certificate = NULL;
	cleanup_secret char *key = NULL;
	struct pair *pair = NULL;
	enum rc rc = secret_file_read(files->certificate, SECRET_FILE_MAX, &certificate, NULL, &stamps[0], err);

	if (!rc)
		rc = secret_file_read(files->key, SECRET_FILE_MAX, &key, NULL, &stamps[1], err);
	if (rc)
		return error_wrap(err, rc, PAIR_VARIABLES);
	rc = pem_check_certificates(certificate, err);
	if (rc)
		return error_wrap(err, rc, PAIR_VARIABLES ": %s", files->certificate);
	rc = pem_check_pair(certificate, key, err);
	if (!rc)
		rc = make_pair(certificate, key, &pair, err);
	if (rc)
		return error_wrap(err, rc, PAIR_VARIABLES ": %s, %s", files->certificate, files->key);
	if (ret_pair)
		*ret_pair = pair;
	else
		pair_destroy(pair);
	return RC_OK;
}

static enum rc read_authorities(const struct tls_files *files, char **ret_text, struct error *err)
{
	cleanup_secret char *text = NULL;
	enum rc rc = secret_file_read(files->client_ca, SECRET_FILE_MAX, &text, NULL, NULL, err);

	if (rc)
		return error_wrap(err, rc, CLIENT_CA_VARIABLE);
	rc = pem_check_certificates(text, err);
	if (rc)
		return error_wrap(err, rc, CLIENT_CA_VARIABLE ": %s", files->client_ca);
	*ret_text = TAKE(text);
	return RC_OK;
}

void tls_check(const struct tls_files *files, struct buf *faults)
{
	cleanup_secret char *authorities = NULL;
	struct secret_file_stamp stamps[2];
	struct error err;

	if (!files->certificate[0] != !files->key[0])
		buf_add_str(faults, PAIR_VARIABLES ": both are required\n");
	else if (files->certificate[0] && read_pair(files, NULL, stamps, &err))
		buf_addf(faults, "%s\n", err.text);
	if (files->client_ca[0] && !files->certificate[0])
		buf_add_str(faults, CLIENT_CA_VARIABLE ": requires SP_SERVER_TLS_CERT and SP_SERVER_TLS_KEY\n");
	if (files->client_ca[0] && read_authorities(files, &authorities, &err))
		buf_addf(faults, "%s\n", err.text);
}

enum rc tls_create(const struct tls_files *files, int64_t handshake_ms, struct tls **ret_tls, struct error *err)
{
	struct tls *tls = calloc(1, sizeof(*tls));
	enum rc rc;

	if (!tls)
		return error_no_memory(err);
	tls->files = *files;
	tls->handshake_ms = handshake_ms;
	pthread_mutex_init(&tls->lock, NULL);
	rc = read_pair(files, &tls->pairs, tls->stamps, err);
	if (!rc && files->client_ca[0])
		rc = read_authorities(files, &tls->client_authorities, err);
	if (rc) {
		tls_destroy(tls);
		return rc;
	}
	the_tls = tls;
	*ret_tls = tls;
	return RC_OK;
}

void tls_destroy(struct tls *tls)
{
	struct pair *next;

	if (!tls)
		return;
	the_tls = NULL;
	for (struct pair *pair = tls->pairs; pair; pair = next) {
		next = pair->next;
		pair_destroy(pair);
	}
	secret_free(tls->client_authorities);
	pthread_mutex_destroy(&tls->lock);
	free(tls);
}

/* ---- in handshakes; the lock is held --- */

/* The list is in the order of replacement: all after the first expired one are expired. */
static void drop_retired(struct tls *tls, int64_t now)
{
	struct pair **at = &tls->pairs->next;
	struct pair *pair;

	while (*at && now - (*at)->replaced_ms < tls->handshake_ms + RETIRED_MORE_MS)
		at = &(*at)->next;
	while ((pair = *at) != NULL) {
		*at = pair->next;
		pair_destroy(pair);
	}
}

/* Without the lock. NULL: the current one stays; an invalid pair is reported once, by its stamps. */
static struct pair *read_changed(const struct tls_files *files, struct secret_file_stamp stamps[2])
{
	struct secret_file_stamp now[2] = { secret_file_stamp_of(files->certificate),
					    secret_file_stamp_of(files->key) };
	struct pair *pair = NULL;
	struct error err;

	if (secret_file_stamp_equal(&now[0], &stamps[0]) && secret_file_stamp_equal(&now[1], &stamps[1]))
		return NULL;
	memcpy(stamps, now, sizeof(now));
	if (read_pair(files, &pair, stamps, &err))
		log_warn("the new certificate is invalid; keeping the current one", log_err(&err));
	else
		log_info("certificate read again", log_str("file", files->certificate));
	return pair;
}

/* One thread at a time. The lock is released while reading: a file system may hang. */
static void read_again(struct tls *tls, int64_t now)
{
	struct secret_file_stamp stamps[2];
	struct pair *pair;

	if (tls->reading || now - tls->looked_ms < LOOK_MS)
		return;
	memcpy(stamps, tls->stamps, sizeof(stamps));
	tls->looked_ms = now;
	tls->reading = true;
	pthread_mutex_unlock(&tls->lock);
	pair = read_changed(&tls->files, stamps);
	pthread_mutex_lock(&tls->lock);
	tls->reading = false;
	memcpy(tls->stamps, stamps, sizeof(stamps));
	if (!pair)
		return;
	tls->pairs->replaced_ms = now;
	pair->next = tls->pairs;
	tls->pairs = pair;
}

static int retrieve(gnutls_session_t session unused, const struct gnutls_cert_retr_st *info unused,
		    gnutls_pcert_st **ret_chain, unsigned *ret_count, gnutls_ocsp_data_st **ret_ocsp,
		    unsigned *ret_ocsp_count, gnutls_privkey_t *ret_key, unsigned *flags)
{
	struct tls *tls = the_tls;
	int64_t now = clock_mono_ms();

	pthread_mutex_lock(&tls->lock);
	read_again(tls, now);
	drop_retired(tls, now);
	*ret_chain = tls->pairs->chain;
	*ret_count = tls->pairs->count;
	*ret_key = tls->pairs->key;
	pthread_mutex_unlock(&tls->lock);
	*ret_ocsp = NULL;
	*ret_ocsp_count = 0;
	*flags = 0;
	return 0;
}

void *tls_retrieve(void)
{
	gnutls_certificate_retrieve_function3 *function = retrieve;
	void *pointer;

	memcpy(&pointer, &function, sizeof(pointer)); /* ISO C has no cast for this; POSIX guarantees the size */
	return pointer;
}

const char *tls_authorities(const struct tls *tls)
{
	return tls->client_authorities;
}

bool tls_knows_client(void *session)
{
	gnutls_typed_vdata_st purpose = {
		.type = GNUTLS_DT_KEY_PURPOSE_OID,
		.data = (unsigned char *)(uintptr_t)GNUTLS_KP_TLS_WWW_CLIENT,
	};
	unsigned status = 0;

	return gnutls_certificate_verify_peers(session, &purpose, 1, &status) == 0 && status == 0;
}

_Static_assert(TLS_NOTHING_YET == GNUTLS_E_AGAIN, "the number of GnuTLS");

/* gnutls_record_recv() itself is interposed (http_intake.h). */
ssize_t tls_read(void *session, void *to, size_t len)
{
	unsigned char sequence[8];

	return gnutls_record_recv_seq(session, to, len, sequence);
}

static bool is_for_later(ssize_t code)
{
	return code == GNUTLS_E_AGAIN || code == GNUTLS_E_INTERRUPTED;
}

ssize_t tls_write(void *session, const void *data, size_t len)
{
	ssize_t sent = gnutls_record_send(session, data, len);

	return is_for_later(sent) ? TLS_NOTHING_YET : sent;
}

int tls_socket_of(void *session)
{
	return gnutls_transport_get_int(session);
}
