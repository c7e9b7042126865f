/*
 * What is it? A tag says so; without one the labels and their types do. A
 * wrong guess costs a wrong name in a comment and nothing else.
 */
#include "tables.h"

const struct pst_shape shape_bytes = { .kind = SHAPE_BYTES };
const struct pst_shape shape_time = { .kind = SHAPE_TIME };
const struct pst_shape shape_guess = { .kind = SHAPE_GUESS };

static const struct shape_field tags[] = {
	{ 0, "date and time", NULL },
	{ 1, "seconds since 1970", &shape_time },
	{ 2, "bignum", NULL },
	{ 3, "negative bignum", NULL },
	{ 16, "COSE_Encrypt0", &shape_encrypt0 },
	{ 17, "COSE_Mac0", &shape_mac0 },
	{ 18, "COSE_Sign1", &shape_sign1 },
	{ 24, "encoded CBOR", &shape_guess },
	{ 32, "URI", NULL },
	{ 37, "UUID", &shape_bytes },
	{ 61, "CWT", &shape_tags },
	{ 96, "COSE_Encrypt", &shape_encrypt },
	{ 97, "COSE_Mac", &shape_mac },
	{ 98, "COSE_Sign", &shape_sign },
	{ 107, "SUIT_Envelope", &shape_envelope },
	{ 111, "OID", NULL },
	{ 112, "Private Enterprise Number", NULL },
	{ 399, "CMW", NULL },
	{ 601, "UCCS", &shape_claims },
	{ 602, "detached EAT bundle", &shape_bundle },
	{ 1070, "SUIT_Manifest", &shape_manifest },
	{ 55799, "self-described CBOR", NULL },
};
const struct pst_shape shape_tags = { SHAPE_TAGS, FIELDS(tags) };

/* Pairs of a map that are looked at. */
enum { PAIRS_LOOKED_AT = 64 };

static bool
is_number(enum pst_cbor_type t)
{
	return t == PST_CBOR_UINT || t == PST_CBOR_NINT;
}

static const struct pst_shape *
teep(uint64_t type)
{
	static const struct pst_shape *const by_type[] = { NULL,
		&shape_query_request, &shape_query_response, &shape_update,
		NULL, &shape_success, &shape_error };

	return type < sizeof(by_type) / sizeof(by_type[0]) ? by_type[type]
							   : NULL;
}

static const struct pst_shape *
cose(struct pst_cbor_reader *r, uint64_t count)
{
	pst_cbor_skip(r);
	pst_cbor_skip(r);
	if (count == 3)
		return &shape_encrypt0;
	pst_cbor_skip(r);
	if (count == 5)
		return &shape_mac;
	return pst_cbor_peek(r) == PST_CBOR_ARRAY ? &shape_sign : &shape_sign1;
}

static const struct pst_shape *
array(struct pst_cbor_reader *r, const struct pst_cbor_head *h)
{
	struct pst_cbor_reader second = *r;
	enum pst_cbor_type one, two;
	struct pst_cbor_head first;

	if (h->indefinite || h->arg < 2 || h->arg > 5)
		return NULL;
	one = pst_cbor_peek(r);
	pst_cbor_skip(&second);
	two = pst_cbor_peek(&second);
	if (one == PST_CBOR_BSTR && two == PST_CBOR_MAP && h->arg >= 3)
		return cose(r, h->arg);
	pst_cbor_head(r, &first);
	if (one == PST_CBOR_UINT && two == PST_CBOR_MAP)
		return teep(first.arg);
	if (one == PST_CBOR_NINT && two == PST_CBOR_BSTR && h->arg == 2 &&
	    shape_field(&shape_alg, -1 - (int64_t)(first.arg & INT64_MAX)))
		return &shape_digest;
	return NULL;
}

/* What a map has, by label. */
struct seen {
	enum pst_cbor_type type[12]; /* of the values of labels 0..11 */
	bool reference;		     /* 99 */
	bool eat;		     /* a claim of RFC 9711 */
	bool negative;
	bool other; /* a label that is no number */
};

static void
look(struct pst_cbor_reader *r, struct seen *s)
{
	struct pst_cbor_head h;

	if (!is_number(pst_cbor_peek(r))) {
		pst_cbor_skip(r);
		s->other = true;
		pst_cbor_skip(r);
		return;
	}
	pst_cbor_head(r, &h);
	if (h.type == PST_CBOR_NINT)
		s->negative = true;
	else if (h.arg < 12)
		s->type[h.arg] = pst_cbor_peek(r);
	else if (h.arg == 99)
		s->reference = true;
	else if (h.arg >= 256 && h.arg <= 275)
		s->eat = true;
	pst_cbor_skip(r);
}

static bool
is_claims(const struct seen *s)
{
	enum pst_cbor_type nonce = s->type[10];

	if (s->eat || s->type[8] == PST_CBOR_MAP)
		return true;
	if (nonce == PST_CBOR_BSTR)
		return true;
	return s->type[1] == PST_CBOR_TSTR &&
	    (s->type[4] == PST_CBOR_UINT || s->type[6] == PST_CBOR_UINT);
}

static const struct pst_shape *
map(struct pst_cbor_reader *r, const struct pst_cbor_head *h)
{
	struct seen s = { .other = false };
	uint64_t i;

	for (i = 0; i < 12; i++)
		s.type[i] = PST_CBOR_NONE;
	for (i = 0; i < PAIRS_LOOKED_AT && pst_cbor_ok(r); i++) {
		if (h->indefinite ? pst_cbor_peek(r) == PST_CBOR_BREAK
				  : i == h->arg)
			break;
		look(r, &s);
	}
	if (s.reference)
		return &shape_report;
	if (s.type[1] == PST_CBOR_UINT && s.type[2] == PST_CBOR_UINT &&
	    s.type[3] == PST_CBOR_BSTR)
		return &shape_manifest;
	if (s.type[3] == PST_CBOR_BSTR && !s.negative &&
	    (s.type[2] == PST_CBOR_BSTR || s.type[1] == PST_CBOR_NONE))
		return s.type[0] == PST_CBOR_ARRAY ? &shape_property_claims
						   : &shape_envelope;
	if (s.type[1] == PST_CBOR_UINT && s.negative)
		return &shape_cose_key;
	if (is_claims(&s))
		return &shape_claims;
	return s.type[0] == PST_CBOR_ARRAY ? &shape_property_claims : NULL;
}

const struct pst_shape *
pst_diag_guess(struct pst_bytes in, const char **what)
{
	const struct pst_shape *shape = NULL;
	const struct shape_field *field = NULL;
	struct pst_cbor_reader r;
	struct pst_cbor_head h;

	*what = NULL;
	pst_cbor_reader_init_profile(&r, in, PST_CBOR_ANY);
	pst_cbor_head(&r, &h);
	if (h.type == PST_CBOR_TAG && h.arg <= INT64_MAX) {
		field = shape_field(&shape_tags, (int64_t)h.arg);
		*what = field != NULL ? field->name : NULL;
		return &shape_tags;
	}
	if (h.type == PST_CBOR_ARRAY)
		shape = array(&r, &h);
	if (h.type == PST_CBOR_MAP)
		shape = map(&r, &h);
	*what = shape != NULL ? shape->name : NULL;
	return shape;
}
