#include "common/kube/kube_snapshot.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "common/kube/kube_headers.h"

/* The texts follow the struct, in the same block. */
struct snapshot {
	struct kube_credentials credentials; /* first member: cast from the snapshot */
	atomic_int references;
	size_t size; /* of the whole block */
	const char *headers[KUBE_HEADERS_MAX];
};

/* Appends texts; with NULL as destination it only computes the size. */
struct packer {
	char *at;
	size_t size;
};

static const char *pack(struct packer *p, const char *prefix, const char *text)
{
	size_t prefix_len = strlen(prefix);
	size_t len;
	char *start = p->at;

	if (!text)
		return NULL;
	len = strlen(text) + 1;
	p->size += prefix_len + len;
	if (start) {
		memcpy(start, prefix, prefix_len);
		memcpy(start + prefix_len, text, len);
		p->at += prefix_len + len;
	}
	return start;
}

static void fill(struct snapshot *s, const struct kube_snapshot_parts *parts, struct packer *p)
{
	struct kube_credentials *c = &s->credentials;

	c->server = pack(p, "", parts->server);
	for (size_t i = 0; i < parts->headers->count; i++)
		s->headers[c->header_count++] = pack(p, "", parts->headers->items[i]);
	if (parts->token)
		s->headers[c->header_count++] = pack(p, "Authorization: Bearer ", parts->token);
	c->headers = s->headers;
	c->identity.ca_pem = pack(p, "", parts->identity.ca_pem);
	c->identity.cert_pem = pack(p, "", parts->identity.cert_pem);
	c->identity.key_pem = pack(p, "", parts->identity.key_pem);
	c->identity.server_name = pack(p, "", parts->identity.server_name);
	c->identity.proxy = pack(p, "", parts->identity.proxy);
	c->identity.insecure = parts->identity.insecure;
}

const struct kube_credentials *kube_snapshot_make(const struct kube_snapshot_parts *parts)
{
	struct snapshot counted = { 0 };
	struct packer packer = { 0 };
	struct snapshot *s;
	size_t size;

	fill(&counted, parts, &packer);
	size = sizeof(*s) + packer.size;
	s = calloc(1, size);
	if (!s)
		return NULL;
	packer = (struct packer){ .at = (char *)(s + 1) };
	fill(s, parts, &packer);
	s->size = size;
	atomic_init(&s->references, 1);
	return &s->credentials;
}

/* Only the reference count of a snapshot is modified, which is const for its holders. */
static struct snapshot *whole(const struct kube_credentials *credentials)
{
	return (struct snapshot *)(uintptr_t)credentials;
}

const struct kube_credentials *kube_snapshot_ref(const struct kube_credentials *credentials)
{
	atomic_fetch_add_explicit(&whole(credentials)->references, 1, memory_order_relaxed);
	return credentials;
}

void kube_credentials_release(const struct kube_credentials *credentials)
{
	struct snapshot *s = whole(credentials);

	if (!s || atomic_fetch_sub_explicit(&s->references, 1, memory_order_acq_rel) != 1)
		return;
	explicit_bzero(s, s->size);
	free(s);
}
