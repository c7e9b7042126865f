/*
 * Stateless challenges. 32 bytes:
 *
 *	key id (1) | expiry, seconds since 1970, big-endian (4) |
 *	random (11) | first half of HMAC-SHA-256 over what is before it (16)
 *
 * So an empty POST writes nothing, any node with the cluster keys can take
 * the answer, and a forged or stale challenge costs one MAC to refuse. The
 * expiry overflows in 2106. 88 random bits keep two challenges of one second
 * and key apart; 128 bits of MAC are what a forger has to guess online.
 *
 * That it is used once is the store's part: spending inserts it into a
 * unique index, in the same transaction as what its message changes.
 */
#include <tam/engine/engine.h>

#include <string.h>

enum {
	EXPIRY_AT = 1,
	RANDOM_AT = 5,
	RANDOM_LEN = 11,
	MAC_AT = 16,
	MAC_LEN = 16
};

/* Never reuse the bytes of another protocol under the same key. */
static const char label[] = "postern tam challenge 1";

static enum pst_err
mac(const struct pst_tam_engine *e, uint32_t key, const uint8_t *challenge,
    uint8_t out[PST_DIGEST_MAX])
{
	struct pst_bytes parts[2] = { PST_BYTES_LIT(label),
		{ challenge, MAC_AT } };
	size_t len;
	enum pst_err err;

	err = e->crypto->mac(
	    e->crypto->ctx, key, PST_ALG_HMAC_256, parts, 2, out, &len);
	if (err == PST_OK && len < MAC_LEN)
		return PST_ERR_CRYPTO;
	return err;
}

/* The newest key that may sign now. */
static const struct pst_tam_mac_key *
signing_key(const struct pst_tam_engine *e, uint64_t now_s)
{
	const struct pst_tam_mac_key *best = NULL;
	size_t i;

	for (i = 0; i < e->mac_count; i++) {
		const struct pst_tam_mac_key *k = &e->mac_keys[i];

		if (k->from_s > now_s || k->until_s <= now_s)
			continue;
		if (best == NULL || k->from_s > best->from_s)
			best = k;
	}
	return best;
}

enum pst_err
pst_tam_challenge_make(const struct pst_tam_engine *e, uint64_t now_s,
    uint8_t out[PST_TAM_CHALLENGE_LEN])
{
	const struct pst_tam_mac_key *k = signing_key(e, now_s);
	uint64_t expiry = now_s + e->policy.challenge_life_s;
	uint8_t digest[PST_DIGEST_MAX];
	enum pst_err err;
	size_t i;

	memset(out, 0, PST_TAM_CHALLENGE_LEN);
	if (k == NULL)
		return PST_ERR_STATE;
	out[0] = k->id;
	for (i = 0; i < 4; i++)
		out[EXPIRY_AT + i] = (uint8_t)(expiry >> (24 - 8 * i));
	err = e->crypto->random(e->crypto->ctx, out + RANDOM_AT, RANDOM_LEN);
	if (err == PST_OK)
		err = mac(e, k->key, out, digest);
	if (err != PST_OK) {
		memset(out, 0, PST_TAM_CHALLENGE_LEN);
		return err;
	}
	memcpy(out + MAC_AT, digest, MAC_LEN);
	return PST_OK;
}

enum pst_err
pst_tam_challenge_check(const struct pst_tam_engine *e,
    struct pst_bytes challenge, uint64_t now_s, uint64_t *expires_s)
{
	uint8_t digest[PST_DIGEST_MAX];
	uint64_t expiry = 0;
	enum pst_err err;
	size_t i;

	*expires_s = 0;
	if (challenge.len != PST_TAM_CHALLENGE_LEN)
		return PST_ERR_EAT_NONCE;
	for (i = 0; i < e->mac_count; i++) {
		if (e->mac_keys[i].id == challenge.ptr[0] &&
		    e->mac_keys[i].until_s > now_s)
			break;
	}
	if (i == e->mac_count)
		return PST_ERR_EAT_NONCE;
	err = mac(e, e->mac_keys[i].key, challenge.ptr, digest);
	if (err != PST_OK)
		return err;
	if (!pst_equal((struct pst_bytes){ digest, MAC_LEN },
		(struct pst_bytes){ challenge.ptr + MAC_AT, MAC_LEN }))
		return PST_ERR_EAT_NONCE;
	for (i = 0; i < 4; i++)
		expiry = expiry << 8 | challenge.ptr[EXPIRY_AT + i];
	if (expiry <= now_s)
		return PST_ERR_EAT_EXPIRED;
	*expires_s = expiry;
	return PST_OK;
}
