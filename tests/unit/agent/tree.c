#include "tree.h"

#include <postern/cose_encrypt.h>
#include <postern/suit_encode.h>
#include <stdlib.h>
#include <string.h>

static struct pst_bytes
text(const char *s)
{
	return (struct pst_bytes){ (const uint8_t *)s, strlen(s) };
}

static void
sha256(struct pst_bytes in, uint8_t out[PST_DIGEST_MAX])
{
	const struct pst_crypto *c = pst_openssl_crypto(w.outside);
	size_t len = 0;

	if (c->digest(c->ctx, PST_ALG_SHA256, &in, 1, out, &len) != PST_OK ||
	    len != 32)
		abort();
}

/* Sections that the built manifest has (suit_encode.h says which). */
static uint32_t
sections(const struct tree *t)
{
	uint32_t all = 0;
	size_t i;

	for (i = 0; i < t->count; i++) {
		const struct tree *d = t->part[i].dependency;

		all |= d == NULL
		    ? 1u << PST_SUIT_INSTALL | 1u << PST_SUIT_VALIDATE
		    : 1u << PST_SUIT_DEPENDENCY_RESOLUTION |
			(d->sections & ~(1u << PST_SUIT_UNINSTALL));
	}
	return t->no_uninstall ? all : all | 1u << PST_SUIT_UNINSTALL;
}

/* AES-GCM to the device's key. What the server has stays there, for fetches of
 * later calls; the last few of them. */
static struct pst_bytes
encrypt(struct pst_bytes plain, struct pst_bytes *info)
{
	static uint8_t kept[8][2][512];
	static size_t next;
	uint8_t(*room)[512] = kept[next++ % 8];
	struct pst_bytes content = { room[0], 0 };
	struct pst_cose_recipient to = { .alg = PST_ALG_A128KW, .key = w.kek };
	const struct pst_cose_encrypt_args args = { .alg = PST_ALG_A128GCM,
		.detached = true,
		.kdf_other = PST_COSE_KDF_SUIT,
		.recipients = &to,
		.count = 1 };
	struct pst_cbor_writer c;

	pst_cbor_writer_init(&c, room[1], sizeof(room[1]));
	if (plain.len + PST_AEAD_TAG_LEN > sizeof(room[0]) ||
	    pst_cose_encrypt(&c, pst_openssl_crypto(w.outside), &args, plain,
		room[0], &content.len) != PST_OK)
		abort();
	*info = pst_cbor_written(&c);
	return content;
}

/* What one part is to the builder. */
static void
describe(const struct tree_part *p, struct pst_suit_build_component *c,
    uint8_t digest[PST_DIGEST_MAX])
{
	struct world_image image = { .id = p->id, .uri = p->uri };
	struct pst_bytes bytes =
	    p->dependency != NULL ? p->dependency->envelope : text(p->payload);

	memset(c, 0, sizeof(*c));
	c->id = p->id;
	c->uri = text(p->uri);
	c->source = *p->uri == '#' ? PST_SUIT_FROM_ENVELOPE : PST_SUIT_FROM_URI;
	c->image_bytes = bytes.len;
	c->digest.alg = PST_ALG_SHA256;
	c->digest.bytes = (struct pst_bytes){ digest, 32 };
	if (p->dependency != NULL) {
		c->dependency = true;
		c->sections = p->dependency->sections;
		memcpy(digest, p->dependency->digest, 32);
	} else {
		sha256(bytes, digest);
	}
	if (p->encrypted)
		bytes = encrypt(bytes, &c->encryption_info);
	if (c->source == PST_SUIT_FROM_ENVELOPE)
		c->data = bytes;
	image.payload = bytes;
	image.wrong = p->wrong;
	if (*p->uri == 'h')
		world_serve(&image);
}

void
tree_sign(struct tree *t, struct pst_bytes plain)
{
	struct pst_suit_envelope env;
	struct pst_cbor_writer c;
	uint8_t digest[PST_DIGEST_MAX];
	uint64_t kind = t->signer == MAC ? PST_TAG_MAC0 : PST_TAG_SIGN1;

	pst_cbor_writer_init(&c, t->bytes, sizeof(t->bytes));
	if (pst_suit_envelope_decode(plain, &env, NULL) != PST_OK ||
	    pst_suit_sign(&c, &env, pst_openssl_crypto(w.outside), kind,
		&w.signer_key[t->signer], 1) != PST_OK)
		abort();
	t->envelope = pst_cbor_written(&c);
	sha256(env.manifest_bstr, digest);
	memcpy(t->digest, digest, sizeof(t->digest));
}

void
tree_make(struct tree *t)
{
	static uint8_t plain[TREE_BYTES_MAX];
	struct pst_suit_build_component parts[TREE_PARTS_MAX];
	uint8_t digests[TREE_PARTS_MAX][PST_DIGEST_MAX];
	struct pst_suit_build what = { .sequence = t->sequence,
		.component_id = t->id,
		.components = parts,
		.count = t->count,
		.uninstall = !t->no_uninstall,
		.set_version = t->set_version };
	struct pst_cbor_writer c;
	size_t i;

	for (i = 0; i < t->count; i++)
		describe(&t->part[i], &parts[i], digests[i]);
	pst_cbor_writer_init(&c, plain, sizeof(plain));
	if (pst_suit_build(&c, pst_openssl_crypto(w.outside), &what) != PST_OK)
		abort();
	tree_sign(t, pst_cbor_written(&c));
	t->sections = sections(t);
}

void
tree_install(struct tree *t, int tam, const char *token)
{
	struct world_update u = { .tam = tam, .token = token, .manifests = 1 };

	tree_make(t);
	u.manifest[0].raw = t->envelope;
	world_update(&u);
}

void
tree_remove(struct pst_bytes id, int tam, const char *token)
{
	struct world_update u = { .tam = tam, .token = token, .unneeded = 1 };

	u.unlink[0] = id;
	world_update(&u);
}
