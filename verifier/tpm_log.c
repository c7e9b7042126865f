/*
 * Event logs of the TCG's crypto agile format (PC Client Platform Firmware
 * Profile, Section 10.2), little-endian: a header event in the old form, which
 * lists the hash algorithms, then events with one digest each algorithm.
 */
#include <string.h>

#include "tpm.h"

#define EV_NO_ACTION 3
#define HEADER_LEN 32 /* PCR, type, SHA-1 digest, size */
#define EVENTS_MAX 65536

static const char signature[16] = "Spec ID Event03";
static const char locality[16] = "StartupLocality";

struct log {
	struct pst_bytes in;
	size_t at;
	bool failed;
	size_t algs;
	uint16_t alg[8];
	uint16_t len[8];
};

/* What the log comes to, for one bank. */
struct replay {
	uint8_t value[PST_TPM_PCRS][PST_DIGEST_MAX];
	uint32_t touched;
};

static struct pst_bytes
take(struct log *l, size_t len)
{
	struct pst_bytes out = { NULL, 0 };

	if (l->failed || len > l->in.len - l->at) {
		l->failed = true;
		return out;
	}
	out.ptr = l->in.ptr + l->at;
	out.len = len;
	l->at += len;
	return out;
}

static uint64_t
number(struct log *l, size_t len)
{
	struct pst_bytes b = take(l, len);

	return l->failed ? 0 : pst_le(b.ptr, len);
}

bool
pst_tpm_log_is(struct pst_bytes log)
{
	return log.len > HEADER_LEN + sizeof(signature) &&
	    pst_le(log.ptr + 4, 4) == EV_NO_ACTION &&
	    memcmp(log.ptr + HEADER_LEN, signature, sizeof(signature)) == 0;
}

/* The header names lengths, but a hash has only one. */
static bool
length_is_true(uint16_t alg, size_t len)
{
	size_t want = pst_tpm_hash_len(alg);

	return want != 0 ? len == want : len <= PST_DIGEST_MAX;
}

static bool
begin(struct log *l, struct pst_bytes in)
{
	size_t end, i;

	memset(l, 0, sizeof(*l));
	l->in = in;
	(void)take(l, HEADER_LEN - 4);
	end = (size_t)number(l, 4);
	if (l->failed || end > in.len - l->at)
		return false;
	end += l->at;
	(void)take(l, sizeof(signature) + 8);
	l->algs = (size_t)number(l, 4);
	if (l->failed || l->algs == 0 ||
	    l->algs > sizeof(l->alg) / sizeof(l->alg[0]))
		return false;
	for (i = 0; i < l->algs; i++) {
		l->alg[i] = (uint16_t)number(l, 2);
		l->len[i] = (uint16_t)number(l, 2);
		if (!length_is_true(l->alg[i], l->len[i]))
			return false;
	}
	(void)take(l, (size_t)number(l, 1));
	return !l->failed && l->at == end;
}

/* The digest of this bank out of an event's list. */
static struct pst_bytes
digest_of(struct log *l, uint16_t bank)
{
	struct pst_bytes found = { NULL, 0 };
	uint64_t n = number(l, 4);
	size_t k;

	if (n > l->algs)
		l->failed = true;
	while (!l->failed && n-- > 0) {
		uint16_t alg = (uint16_t)number(l, 2);
		struct pst_bytes d;

		for (k = 0; k < l->algs && l->alg[k] != alg; k++)
			continue;
		if (k == l->algs) {
			l->failed = true;
			break;
		}
		d = take(l, l->len[k]);
		if (alg == bank)
			found = d;
	}
	return found;
}

static enum pst_err
extend(const struct pst_crypto *crypto, int32_t alg, struct replay *r,
    uint64_t pcr, struct pst_bytes digest)
{
	struct pst_bytes parts[2] = { { r->value[pcr], digest.len }, digest };
	uint8_t out[PST_DIGEST_MAX];
	size_t len = 0;
	enum pst_err err;

	err = crypto->digest(crypto->ctx, alg, parts, 2, out, &len);
	if (err == PST_OK)
		memcpy(r->value[pcr], out, len);
	r->touched |= 1u << pcr;
	return err;
}

/* PCR 0 begins with the locality that started the TPM. */
static void
start(struct replay *r, struct pst_bytes event, size_t len)
{
	if (event.len == sizeof(locality) + 1 &&
	    memcmp(event.ptr, locality, sizeof(locality)) == 0)
		r->value[0][len - 1] = event.ptr[sizeof(locality)];
}

static enum pst_err
replay(const struct pst_crypto *crypto, struct log *l, uint16_t bank,
    struct replay *r)
{
	int32_t alg = pst_tpm_hash(bank);
	enum pst_err err = alg != PST_ALG_NONE ? PST_OK : PST_ERR_COSE_ALG;
	size_t events = 0;

	memset(r, 0, sizeof(*r));
	while (err == PST_OK && !l->failed && l->at < l->in.len) {
		uint64_t pcr = number(l, 4), type = number(l, 4);
		struct pst_bytes digest = digest_of(l, bank);
		struct pst_bytes event = take(l, (size_t)number(l, 4));

		if (l->failed || events++ == EVENTS_MAX)
			return PST_ERR_EAT_CLAIM;
		if (type == EV_NO_ACTION)
			start(r, event, pst_tpm_hash_len(bank));
		else if (pcr >= PST_TPM_PCRS || digest.len == 0)
			return PST_ERR_EAT_CLAIM;
		else
			err = extend(crypto, alg, r, pcr, digest);
	}
	return l->failed ? PST_ERR_EAT_CLAIM : err;
}

static enum pst_err
compare(const struct replay *r, const struct pst_tpm_bank *b)
{
	size_t pcr;

	for (pcr = 0; pcr < PST_TPM_PCRS; pcr++) {
		struct pst_bytes got = { r->value[pcr], b->value[pcr].len };

		if ((r->touched & b->selected) >> pcr & 1 &&
		    !pst_equal(got, b->value[pcr]))
			return PST_ERR_EAT_CLAIM;
	}
	return PST_OK;
}

enum pst_err
pst_tpm_log_replay(const struct pst_crypto *crypto, struct pst_bytes in,
    const struct pst_tpm_quote *q, const char **why)
{
	struct replay r;
	struct log l;
	enum pst_err err = PST_OK;
	size_t i;

	for (i = 0; err == PST_OK && i < q->banks; i++) {
		*why = "the event log is damaged";
		if (!begin(&l, in))
			return PST_ERR_EAT_CLAIM;
		err = replay(crypto, &l, q->bank[i].alg, &r);
		if (err != PST_OK)
			return err;
		*why = "the event log does not come to the quoted values";
		err = compare(&r, &q->bank[i]);
	}
	if (err == PST_OK)
		*why = NULL;
	return err;
}
