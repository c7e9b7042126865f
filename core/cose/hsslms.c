/*
 * HSS/LMS verification (RFC 8554), the hash-based signature of RFC 8778.
 *
 * All parameter sets with SHA-256 and 32 bytes. Nothing here is secret: a
 * branch may depend on any byte. The stack holds a few digests, whatever the
 * height: chains and the path are walked, not stored.
 */
#include "hsslms.h"

#include "../pst_internal.h"

enum {
	HASH_LEN = 32,
	ID_LEN = 16,
	LMS_PUB_LEN = 4 + 4 + ID_LEN + HASH_LEN,
	LEVELS_MAX = 8, /* RFC 8554, Section 6 */
	PREFIX_LEN = ID_LEN + 4 + 2
};

/* Section 7.1: what a hash is for. */
enum { D_PBLK = 0x8080, D_MESG = 0x8181, D_LEAF = 0x8282, D_INTR = 0x8383 };

/* Section 4.1: Winternitz parameter, chains, left shift of the checksum. */
static const struct ots {
	uint8_t w;
	uint16_t p;
	uint8_t ls;
} ots_types[] = { { 1, 265, 7 }, { 2, 133, 6 }, { 4, 67, 4 }, { 8, 34, 0 } };

struct lms_pub {
	uint32_t type, ots_type;
	struct pst_bytes id;
	struct pst_bytes root;
};

/* The signature of one tree. */
struct lms_sig {
	uint32_t q;
	struct pst_bytes c, y, path;
};

/* A verification under way. */
struct work {
	const struct pst_crypto *crypto;
	struct lms_pub pub;
	const struct ots *ots;
	uint8_t height;
	struct lms_sig sig;
};

static uint32_t
get32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 |
	    (uint32_t)p[2] << 8 | p[3];
}

static void
put32(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 24);
	p[1] = (uint8_t)(v >> 16);
	p[2] = (uint8_t)(v >> 8);
	p[3] = (uint8_t)v;
}

/* The next n bytes of in; false when there are fewer. */
static bool
take(struct pst_bytes *in, size_t n, struct pst_bytes *out)
{
	if (n > in->len)
		return false;
	*out = (struct pst_bytes){ in->ptr, n };
	in->ptr += n;
	in->len -= n;
	return true;
}

static bool
take32(struct pst_bytes *in, uint32_t *out)
{
	struct pst_bytes v;

	if (!take(in, 4, &v))
		return false;
	*out = get32(v.ptr);
	return true;
}

static const struct ots *
ots_of(uint32_t type)
{
	return type >= 1 && type <= 4 ? &ots_types[type - 1] : NULL;
}

/* LMS_SHA256_M32_H5 is 5, and so on in steps of five levels. */
static uint8_t
height_of(uint32_t type)
{
	return type >= 5 && type <= 9 ? (uint8_t)(5 * (type - 4)) : 0;
}

static bool
read_pub(struct pst_bytes in, struct lms_pub *out)
{
	return take32(&in, &out->type) && take32(&in, &out->ots_type) &&
	    take(&in, ID_LEN, &out->id) && take(&in, HASH_LEN, &out->root) &&
	    in.len == 0 && ots_of(out->ots_type) != NULL &&
	    height_of(out->type) != 0;
}

bool
pst_hss_key_fits(struct pst_bytes key)
{
	struct lms_pub pub;
	uint32_t levels = 0;

	return take32(&key, &levels) && levels >= 1 && levels <= LEVELS_MAX &&
	    read_pub(key, &pub);
}

static void
prefix(
    uint8_t out[PREFIX_LEN], const struct work *k, uint32_t q, unsigned int d)
{
	memcpy(out, k->pub.id.ptr, ID_LEN);
	put32(out + ID_LEN, q);
	out[ID_LEN + 4] = (uint8_t)(d >> 8);
	out[ID_LEN + 5] = (uint8_t)d;
}

static enum pst_err
hash(const struct work *k, const struct pst_bytes *parts, size_t n,
    uint8_t out[HASH_LEN])
{
	uint8_t digest[PST_DIGEST_MAX];
	size_t len = 0;
	enum pst_err err = k->crypto->digest(
	    k->crypto->ctx, PST_ALG_SHA256, parts, n, digest, &len);

	if (err == PST_OK && len != HASH_LEN)
		err = PST_ERR_CRYPTO;
	if (err == PST_OK)
		memcpy(out, digest, HASH_LEN);
	return err;
}

static enum pst_err
hash_all(const struct work *k, uint32_t handle, const struct pst_bytes *parts,
    size_t n)
{
	enum pst_err err = PST_OK;
	size_t i;

	for (i = 0; i < n && err == PST_OK; i++)
		err = k->crypto->hash_update(k->crypto->ctx, handle, parts[i]);
	return err;
}

static enum pst_err
hash_finish(
    const struct work *k, uint32_t handle, enum pst_err err, uint8_t *out)
{
	uint8_t digest[PST_DIGEST_MAX];
	size_t len = 0;
	enum pst_err end = k->crypto->hash_end(
	    k->crypto->ctx, handle, err == PST_OK ? digest : NULL, &len);

	if (err == PST_OK)
		err = end;
	if (err == PST_OK && len != HASH_LEN)
		err = PST_ERR_CRYPTO;
	if (err == PST_OK)
		memcpy(out, digest, HASH_LEN);
	return err;
}

/* Q = H(I || q || D_MESG || C || message), then its checksum (4.4). */
static enum pst_err
message_hash(const struct work *k, const struct pst_bytes *parts, size_t n,
    uint8_t out[HASH_LEN + 2])
{
	uint8_t head[PREFIX_LEN];
	struct pst_bytes first[2] = { { head, PREFIX_LEN }, k->sig.c };
	unsigned int sum = 0, top = (1u << k->ots->w) - 1;
	uint32_t handle;
	size_t i;
	unsigned int s;
	enum pst_err err;

	prefix(head, k, k->sig.q, D_MESG);
	err = k->crypto->hash_begin(k->crypto->ctx, PST_ALG_SHA256, &handle);
	if (err != PST_OK)
		return err;
	err = hash_all(k, handle, first, 2);
	if (err == PST_OK)
		err = hash_all(k, handle, parts, n);
	err = hash_finish(k, handle, err, out);
	if (err != PST_OK)
		return err;
	for (i = 0; i < HASH_LEN; i++) {
		for (s = 0; s < 8; s += k->ots->w)
			sum += top - ((unsigned int)out[i] >> s & top);
	}
	sum <<= k->ots->ls;
	out[HASH_LEN] = (uint8_t)(sum >> 8);
	out[HASH_LEN + 1] = (uint8_t)sum;
	return PST_OK;
}

/* coef(S, i, w) of Section 3.1.3 */
static unsigned int
coefficient(const uint8_t *s, unsigned int i, unsigned int w)
{
	unsigned int in_byte = 8 / w;
	unsigned int shift = 8 - w * (i % in_byte + 1);

	return (unsigned int)s[i / in_byte] >> shift & ((1u << w) - 1);
}

/* The rest of chain i, from what the signature gives to its end. */
static enum pst_err
chain(const struct work *k, unsigned int i, unsigned int from,
    uint8_t value[HASH_LEN])
{
	uint8_t head[PREFIX_LEN + 1];
	struct pst_bytes parts[2] = { { head, sizeof(head) },
		{ value, HASH_LEN } };
	unsigned int j, last = (1u << k->ots->w) - 1;
	enum pst_err err = PST_OK;

	prefix(head, k, k->sig.q, i);
	memcpy(value, k->sig.y.ptr + (size_t)i * HASH_LEN, HASH_LEN);
	for (j = from; j < last && err == PST_OK; j++) {
		head[PREFIX_LEN] = (uint8_t)j;
		err = hash(k, parts, 2, value);
	}
	return err;
}

/* The one-time public key that would make the signature good (4b). */
static enum pst_err
one_time_key(const struct work *k, const struct pst_bytes *message, size_t n,
    uint8_t out[HASH_LEN])
{
	uint8_t digits[HASH_LEN + 2];
	uint8_t head[PREFIX_LEN];
	uint8_t value[HASH_LEN];
	struct pst_bytes first = { head, PREFIX_LEN };
	struct pst_bytes end = { value, HASH_LEN };
	uint32_t handle;
	unsigned int i;
	enum pst_err err = message_hash(k, message, n, digits);

	if (err != PST_OK)
		return err;
	err = k->crypto->hash_begin(k->crypto->ctx, PST_ALG_SHA256, &handle);
	if (err != PST_OK)
		return err;
	prefix(head, k, k->sig.q, D_PBLK);
	err = hash_all(k, handle, &first, 1);
	for (i = 0; i < k->ots->p && err == PST_OK; i++) {
		err = chain(k, i, coefficient(digits, i, k->ots->w), value);
		if (err == PST_OK)
			err = hash_all(k, handle, &end, 1);
	}
	return hash_finish(k, handle, err, out);
}

/* From the leaf to the root (6a). */
static enum pst_err
climb(const struct work *k, uint8_t node[HASH_LEN])
{
	uint32_t number = (1u << k->height) + k->sig.q;
	struct pst_bytes path = k->sig.path;
	uint8_t head[PREFIX_LEN];
	struct pst_bytes parts[3] = { { head, PREFIX_LEN }, { node, HASH_LEN },
		{ NULL, 0 } };
	enum pst_err err;

	prefix(head, k, number, D_LEAF);
	err = hash(k, parts, 2, node);
	while (number > 1 && err == PST_OK) {
		struct pst_bytes sibling = { path.ptr, HASH_LEN };
		struct pst_bytes own = { node, HASH_LEN };
		bool right = number % 2 == 1;

		parts[1] = right ? sibling : own;
		parts[2] = right ? own : sibling;
		path.ptr += HASH_LEN;
		number /= 2;
		prefix(head, k, number, D_INTR);
		err = hash(k, parts, 3, node);
	}
	return err;
}

/* An LMS signature off the front of in; its types are the key's (6a). */
static bool
read_sig(struct work *k, struct pst_bytes *in)
{
	uint32_t ots_type, type;

	k->ots = ots_of(k->pub.ots_type);
	k->height = height_of(k->pub.type);
	return take32(in, &k->sig.q) && take32(in, &ots_type) &&
	    ots_type == k->pub.ots_type && take(in, HASH_LEN, &k->sig.c) &&
	    take(in, (size_t)k->ots->p * HASH_LEN, &k->sig.y) &&
	    take32(in, &type) && type == k->pub.type &&
	    k->sig.q < 1u << k->height &&
	    take(in, (size_t)k->height * HASH_LEN, &k->sig.path);
}

static enum pst_err
verify_tree(const struct work *k, const struct pst_bytes *message, size_t n)
{
	uint8_t node[HASH_LEN];
	enum pst_err err = one_time_key(k, message, n, node);

	if (err == PST_OK)
		err = climb(k, node);
	if (err != PST_OK)
		return err;
	return memcmp(node, k->pub.root.ptr, HASH_LEN) == 0
	    ? PST_OK
	    : PST_ERR_COSE_SIGNATURE;
}

enum pst_err
pst_hss_verify(const struct pst_crypto *crypto, struct pst_bytes key,
    const struct pst_bytes *parts, size_t n, struct pst_bytes sig)
{
	struct work k = { .crypto = crypto };
	uint32_t levels = 0, signed_keys = 0;
	struct pst_bytes next;
	enum pst_err err;

	if (!pst_hss_key_fits(key) || !take32(&key, &levels) ||
	    !read_pub(key, &k.pub))
		return PST_ERR_COSE_KEY_FORMAT;
	/* Section 6.3: as many trees as the key says, no more, no fewer */
	if (!take32(&sig, &signed_keys) || signed_keys + 1 != levels)
		return PST_ERR_COSE_SIGNATURE;
	for (; signed_keys > 0; signed_keys--) {
		if (!read_sig(&k, &sig) || !take(&sig, LMS_PUB_LEN, &next))
			return PST_ERR_COSE_SIGNATURE;
		err = verify_tree(&k, &next, 1);
		if (err != PST_OK)
			return err;
		if (!read_pub(next, &k.pub))
			return PST_ERR_COSE_SIGNATURE;
	}
	if (!read_sig(&k, &sig) || sig.len != 0)
		return PST_ERR_COSE_SIGNATURE;
	return verify_tree(&k, parts, n);
}
