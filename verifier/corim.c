/*
 * CoRIM, as far as this project's technologies have a use for it: reference
 * triples become rules of the policy, attest-key triples keys and anchors.
 *
 * The profiles of vendors name measurements by keys of their own; the table
 * below says which claim each is. What a CoRIM says of a thing that is not in
 * the table is passed over and counted, for the operator is to be told that
 * part of his policy has no effect.
 */
#include "corim.h"

#include <stdlib.h>
#include <string.h>

#include "policy.h"
#include "ports/openssl/openssl.h"

enum {
	TAG_CORIM = 501,
	TAG_COMID = 506,
	TAG_OID = 111,
	TAG_UUID = 37,
	TAG_UEID = 550,
	TAG_SVN = 552,
	TAG_MIN_SVN = 553,
	TAG_KEY_PEM = 554,
	TAG_CERT_PEM = 555,
	TAG_BYTES = 560
};

enum { TAGS_MAX = 64, TRIPLES_MAX = 1024, MEASUREMENTS_MAX = 256 };

/* Keys of a measurement's value. */
enum { VAL_SVN = 1, VAL_DIGESTS = 2, VAL_RAW = 4, VAL_KEYS = 13 };

/* Measurement keys that are names. */
static const struct named {
	const char *key, *technology, *claim;
	bool needs_digest;
} named[] = {
	{ "psa.software-component", "psa", "sw-value", true },
	{ "cca.software-component", "cca", "sw-value", true },
	{ "cca.platform-config", "cca", "configuration", false },
	{ "cca.rim", "cca", "initial-measurement", true },
	{ "cca.rem0", "cca", "extended-measurement-0", true },
	{ "cca.rem1", "cca", "extended-measurement-1", true },
	{ "cca.rem2", "cca", "extended-measurement-2", true },
	{ "cca.rem3", "cca", "extended-measurement-3", true },
	{ "cca.rpv", "cca", "personalization", false },
};

/* Of AMD's profile for SEV-SNP the keys are numbers. */
static const struct numbered {
	uint64_t key;
	const char *claim;
} numbered[] = {
	{ 1, "guest-svn" },
	{ 641, "measurement" },
};

/* One measurement, taken apart. */
struct measurement {
	struct pst_bytes name; /* of a key that is text */
	bool has_number, has_svn, is_min;
	uint64_t number, svn;
	struct pst_bytes digest[8], raw;
	size_t digests;
	size_t signers; /* how many; see by_name */
};

/* The environment that it is about. */
struct environment {
	struct pst_bytes class_id; /* bytes */
	bool snp;		   /* its class id is AMD's */
	bool instance;
};

struct import {
	struct pst_endorsements *e;
	enum pst_err err;
};

/* 1.3.6.1.4.1.3704 as DER has it, the beginning of AMD's identifiers. */
static const uint8_t amd_oid[] = { 0x2b, 0x06, 0x01, 0x04, 0x01, 0x9c, 0x78 };

/* --- reading
 * -------------------------------------------------------------------- */

static void
class_of(struct pst_cbor_reader *r, struct environment *env)
{
	struct pst_cbor_seen seen;
	size_t n = pst_cbor_map(r, 8, &seen);

	while (n-- > 0 && pst_cbor_ok(r)) {
		struct pst_bytes oid;

		if (pst_cbor_key(r, &seen) != 0) {
			pst_cbor_skip(r);
			continue;
		}
		switch (pst_cbor_tag(r)) {
		case TAG_BYTES:
			env->class_id = pst_cbor_bstr(r, 1, 64);
			break;
		case TAG_OID:
			oid = pst_cbor_bstr(r, 1, 64);
			env->snp = oid.len > sizeof(amd_oid) &&
			    memcmp(oid.ptr, amd_oid, sizeof(amd_oid)) == 0;
			break;
		default:
			pst_cbor_skip(r);
		}
	}
}

static void
environment(struct pst_cbor_reader *r, struct environment *env)
{
	struct pst_cbor_seen seen;
	size_t n = pst_cbor_map(r, 8, &seen);

	memset(env, 0, sizeof(*env));
	while (n-- > 0 && pst_cbor_ok(r)) {
		switch (pst_cbor_key(r, &seen)) {
		case 0:
			class_of(r, env);
			break;
		case 1:
			env->instance = true;
			pst_cbor_skip(r);
			break;
		default:
			pst_cbor_skip(r);
		}
	}
}

/* [+ [alg, bytes]] */
static void
digests(struct pst_cbor_reader *r, struct measurement *m)
{
	size_t n =
	    pst_cbor_array(r, 1, sizeof(m->digest) / sizeof(m->digest[0]));

	while (n-- > 0 && pst_cbor_ok(r)) {
		(void)pst_cbor_array(r, 2, 2);
		pst_cbor_skip(r);
		m->digest[m->digests++] = pst_cbor_bstr(r, 20, 64);
	}
}

static void
svn(struct pst_cbor_reader *r, struct measurement *m)
{
	uint64_t tag = TAG_SVN;

	if (pst_cbor_peek(r) == PST_CBOR_TAG)
		tag = pst_cbor_tag(r);
	m->is_min = tag == TAG_MIN_SVN;
	m->svn = pst_cbor_uint(r, UINT64_MAX);
	m->has_svn = true;
	if (tag != TAG_SVN && tag != TAG_MIN_SVN)
		pst_cbor_fail(r, PST_ERR_ARG);
}

static void
value(struct pst_cbor_reader *r, struct measurement *m)
{
	struct pst_cbor_seen seen;
	size_t n = pst_cbor_map(r, 32, &seen);

	while (n-- > 0 && pst_cbor_ok(r)) {
		switch (pst_cbor_key(r, &seen)) {
		case VAL_SVN:
			svn(r, m);
			break;
		case VAL_DIGESTS:
			digests(r, m);
			break;
		case VAL_RAW:
			if (pst_cbor_peek(r) == PST_CBOR_TAG &&
			    pst_cbor_tag(r) != TAG_BYTES)
				pst_cbor_fail(r, PST_ERR_ARG);
			m->raw = pst_cbor_bstr(r, 1, 4096);
			break;
		case VAL_KEYS:
			m->signers = pst_cbor_list(r, 1, 64).count;
			break;
		default:
			/* Names and versions are for people. */
			pst_cbor_skip(r);
		}
	}
}

static void
measurement(struct pst_cbor_reader *r, struct measurement *m)
{
	struct pst_cbor_seen seen;
	size_t n = pst_cbor_map(r, 4, &seen);

	memset(m, 0, sizeof(*m));
	while (n-- > 0 && pst_cbor_ok(r)) {
		int64_t label = pst_cbor_key(r, &seen);

		if (label == 1) {
			value(r, m);
		} else if (label == 0 && pst_cbor_peek(r) == PST_CBOR_TSTR) {
			m->name = pst_cbor_tstr(r, 1, 128);
		} else if (label == 0 && pst_cbor_peek(r) == PST_CBOR_UINT) {
			m->number = pst_cbor_uint(r, UINT64_MAX);
			m->has_number = true;
		} else {
			pst_cbor_skip(r);
		}
	}
}

/* --- rules
 * ------------------------------------------------------------------------ */

static void
put(struct import *in, const char *technology, const char *claim,
    struct pst_bytes bytes)
{
	if (in->err == PST_OK)
		in->err = pst_rules_value(in->e, technology, claim, bytes);
}

static void
by_name(struct import *in, const struct named *n, const struct environment *env,
    const struct measurement *m)
{
	size_t i;

	if (n->needs_digest ? m->digests == 0 : m->raw.len == 0) {
		in->err = PST_ERR_ARG;
		return;
	}
	for (i = 0; i < m->digests; i++)
		put(in, n->technology, n->claim, m->digest[i]);
	if (!n->needs_digest)
		put(in, n->technology, n->claim, m->raw);
	/* Published values have another signer there than the tokens that they
	 * are for, and are meant to match. */
	in->e->passed_over += m->signers;
	/* A realm's class is its measurement; a platform's its implementation.
	 */
	if (env->class_id.len == 32 && strncmp(n->key, "cca.r", 5) != 0)
		put(in, n->technology, "implementation-id", env->class_id);
}

static void
by_number(
    struct import *in, const struct numbered *n, const struct measurement *m)
{
	size_t i;

	for (i = 0; i < m->digests; i++)
		put(in, "snp", n->claim, m->digest[i]);
	if (m->has_svn && in->err == PST_OK)
		in->err =
		    pst_rules_bound(in->e, "snp", n->claim, m->svn, m->is_min);
}

static void
rule(struct import *in, const struct environment *env,
    const struct measurement *m)
{
	size_t i;

	for (i = 0; i < sizeof(named) / sizeof(named[0]); i++) {
		const char *key = named[i].key;

		if (m->name.len == strlen(key) &&
		    memcmp(m->name.ptr, key, m->name.len) == 0) {
			by_name(in, &named[i], env, m);
			return;
		}
	}
	for (i = 0; env->snp && i < sizeof(numbered) / sizeof(numbered[0]);
	     i++) {
		if (m->has_number && m->number == numbered[i].key) {
			by_number(in, &numbered[i], m);
			return;
		}
	}
	/* A quote's digest of an instance, as EnactTrust writes it. */
	if (env->instance && m->name.len == 0 && !m->has_number &&
	    m->digests > 0) {
		for (i = 0; i < m->digests; i++)
			put(in, "tpm", "pcr-digest", m->digest[i]);
		return;
	}
	in->e->passed_over++;
}

/* [environment, [+ measurement]] */
static void
reference(struct pst_cbor_reader *r, struct import *in)
{
	struct environment env;
	struct measurement m;
	size_t n;

	(void)pst_cbor_array(r, 2, 2);
	environment(r, &env);
	n = pst_cbor_array(r, 1, MEASUREMENTS_MAX);
	while (n-- > 0 && pst_cbor_ok(r) && in->err == PST_OK) {
		measurement(r, &m);
		if (pst_cbor_ok(r))
			rule(in, &env, &m);
	}
}

/* --- keys
 * -------------------------------------------------------------------------- */

static void
add_key(struct import *in, struct pst_bytes pem)
{
	struct pst_pubkey *more;
	struct pst_key key;

	if (pst_key_parse(pem, &key, NULL) != PST_OK) {
		in->err = PST_ERR_ARG;
		return;
	}
	more = realloc(in->e->keys, (in->e->key_count + 1) * sizeof(*more));
	if (more == NULL) {
		in->err = PST_ERR_LIMIT;
		return;
	}
	in->e->keys = more;
	in->e->keys[in->e->key_count++] = key.pub;
	pst_key_wipe(&key);
}

/* [environment, [+ key]] */
static void
attest_key(struct pst_cbor_reader *r, struct import *in)
{
	struct environment env;
	struct pst_bytes pem;
	size_t n;

	(void)pst_cbor_array(r, 2, 2);
	environment(r, &env);
	n = pst_cbor_array(r, 1, MEASUREMENTS_MAX);
	while (n-- > 0 && pst_cbor_ok(r) && in->err == PST_OK) {
		uint64_t tag = pst_cbor_tag(r);

		if (tag != TAG_KEY_PEM && tag != TAG_CERT_PEM) {
			pst_cbor_skip(r);
			in->e->passed_over++;
			continue;
		}
		pem = pst_cbor_tstr(r, 1, 16384);
		if (!pst_cbor_ok(r))
			break;
		if (tag == TAG_KEY_PEM)
			add_key(in, pem);
		else
			in->err = pst_endorsements_add(
			    in->e, PST_ENDORSE_ANCHOR, pem, NULL);
	}
}

/* --- the document
 * ------------------------------------------------------------------ */

static void
triples(struct pst_cbor_reader *r, struct import *in)
{
	struct pst_cbor_seen seen;
	size_t n = pst_cbor_map(r, 8, &seen);

	while (n-- > 0 && pst_cbor_ok(r)) {
		int64_t kind = pst_cbor_key(r, &seen);
		size_t k;

		if (kind != 0 && kind != 3) {
			pst_cbor_skip(r);
			in->e->passed_over++;
			continue;
		}
		k = pst_cbor_array(r, 1, TRIPLES_MAX);
		while (k-- > 0 && pst_cbor_ok(r) && in->err == PST_OK) {
			if (kind == 0)
				reference(r, in);
			else
				attest_key(r, in);
		}
	}
}

static void
comid(struct pst_bytes bytes, struct import *in)
{
	struct pst_cbor_reader r;
	struct pst_cbor_seen seen;
	size_t n;

	pst_cbor_reader_init_profile(&r, bytes, PST_CBOR_ANY);
	n = pst_cbor_map(&r, 8, &seen);
	while (n-- > 0 && pst_cbor_ok(&r) && in->err == PST_OK) {
		if (pst_cbor_key(&r, &seen) == 4)
			triples(&r, in);
		else
			pst_cbor_skip(&r);
	}
	if (in->err == PST_OK && pst_cbor_end(&r) != PST_OK)
		in->err = PST_ERR_ARG;
}

/* A time (tag 1) in whole seconds. */
static uint64_t
moment(struct pst_cbor_reader *r)
{
	(void)pst_cbor_tag_optional(r, 1);
	return pst_cbor_uint(r, INT64_MAX);
}

/* {? 0: not before, 1: not after}; of several CoRIMs what they all have. */
static void
validity(struct pst_cbor_reader *r, struct pst_endorsements *e)
{
	struct pst_cbor_seen seen;
	size_t n = pst_cbor_map(r, 2, &seen);
	uint64_t from = 0, until = 0;

	while (n-- > 0 && pst_cbor_ok(r)) {
		switch (pst_cbor_key(r, &seen)) {
		case 0:
			from = moment(r);
			break;
		case 1:
			until = moment(r);
			break;
		default:
			pst_cbor_fail(r, PST_ERR_ARG);
		}
	}
	if (pst_cbor_ok(r) && until == 0)
		pst_cbor_fail(r, PST_ERR_ARG);
	if (!pst_cbor_ok(r))
		return;
	if (from > e->rules_from_s)
		e->rules_from_s = from;
	if (e->rules_until_s == 0 || until < e->rules_until_s)
		e->rules_until_s = until;
}

/* Label of the validity in the map of a CoRIM, and of its tags. */
enum { CORIM_TAGS = 1, CORIM_VALIDITY = 4 };

static enum pst_err
corim(struct pst_endorsements *e, struct pst_bytes bytes)
{
	struct import in = { e, PST_OK };
	struct pst_cbor_reader r;
	struct pst_cbor_seen seen;
	size_t n, k;

	pst_cbor_reader_init_profile(&r, bytes, PST_CBOR_ANY);
	if (pst_cbor_tag(&r) != TAG_CORIM)
		return PST_ERR_ARG;
	n = pst_cbor_map(&r, 8, &seen);
	while (n-- > 0 && pst_cbor_ok(&r) && in.err == PST_OK) {
		int64_t label = pst_cbor_key(&r, &seen);

		if (label == CORIM_VALIDITY)
			validity(&r, e);
		else if (label != CORIM_TAGS)
			pst_cbor_skip(&r);
		if (label != CORIM_TAGS)
			continue;
		k = pst_cbor_array(&r, 1, TAGS_MAX);
		while (k-- > 0 && pst_cbor_ok(&r) && in.err == PST_OK) {
			bool is = pst_cbor_tag(&r) == TAG_COMID;
			struct pst_bytes one = pst_cbor_bstr(&r, 1, SIZE_MAX);

			if (is && pst_cbor_ok(&r))
				comid(one, &in);
			else
				e->passed_over++;
		}
	}
	if (in.err == PST_OK && pst_cbor_end(&r) != PST_OK)
		in.err = PST_ERR_ARG;
	return in.err;
}

bool
pst_corim_is(struct pst_bytes file)
{
	/* Tag 501, or a COSE_Sign1 with its tag. */
	return file.len > 3 &&
	    (memcmp(file.ptr, "\xd9\x01\xf5", 3) == 0 || file.ptr[0] == 0xd2);
}

enum pst_err
pst_corim_add(
    struct pst_endorsements *e, struct pst_bytes file, const char **why)
{
	const struct pst_bytes no_aad = { NULL, 0 };
	struct pst_cose_message msg;
	struct pst_verified verified;
	enum pst_err err;

	*why = "not a CoRIM whose Reference Values can be used";
	if (file.ptr[0] != 0xd2)
		return corim(e, file);
	if (e->authors == NULL) {
		*why = "a signed CoRIM, and no key of its author was given";
		return PST_ERR_COSE_KEY;
	}
	err = pst_cose_parse(file, PST_TAG_SIGN1, &msg, NULL);
	if (err == PST_OK)
		err = pst_cose_verify(
		    &msg, e->crypto, e->authors, no_aad, &verified);
	if (err != PST_OK) {
		*why = "a CoRIM that its author did not sign";
		return err;
	}
	return corim(e, verified.payload);
}
