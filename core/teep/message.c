/*
 * The five messages of TEEP (draft-ietf-teep-protocol, Section 4), read and
 * written from one table: what an option is, where it lives in struct
 * pst_teep_message, and which messages may carry it.
 *
 * Three levels of checking stand in this order. A reader function checks one
 * value's type and size; allowed() checks that the message may have it;
 * rules() checks what joins several fields. The writer passes the same three,
 * so that what we send is what we accept, except where a published message
 * breaks the text and is accepted all the same: sender_rules().
 */
#include "item.h"

/* What an option's value is. */
enum kind {
	NONE = 0, /* no option of any message */
	BSTR,
	TSTR,
	NUMBER,	  /* uint .size 4 */
	CODE,	  /* an error code */
	LIST,	  /* one or more items that `item` reads */
	SUITES,	  /* one or more known constants, as bits */
	PROFILES, /* likewise */
	FRESHNESS /* one or more small numbers, as bits */
};

#define IN_QUERY_REQUEST (1u << PST_TEEP_QUERY_REQUEST)
#define IN_QUERY_RESPONSE (1u << PST_TEEP_QUERY_RESPONSE)
#define IN_UPDATE (1u << PST_TEEP_UPDATE)
#define IN_SUCCESS (1u << PST_TEEP_SUCCESS)
#define IN_ERROR (1u << PST_TEEP_ERROR)
#define IN_QUERIES (IN_QUERY_REQUEST | IN_QUERY_RESPONSE)
#define IN_ANY (IN_QUERIES | IN_UPDATE | IN_SUCCESS | IN_ERROR)

struct option {
	void (*item)(struct pst_cbor_reader *r); /* LIST only */
	uint32_t min, max;			 /* bytes of a string */
	uint16_t offset;			 /* of the member */
	uint8_t kind;				 /* enum kind */
	uint8_t where; /* IN_*: which messages may have it */
};

#define AT(member) (uint16_t) offsetof(struct pst_teep_message, member)
#define STRING(kind_, member_, min_, max_, where_) \
	{ \
		.kind = kind_, .offset = AT(member_), .min = min_, \
		.max = max_, .where = where_ \
	}
#define VALUE(kind_, member_, where_) \
	{ \
		.kind = kind_, .offset = AT(member_), .where = where_ \
	}
#define ITEMS(item_, member_, where_) \
	{ \
		.kind = LIST, .offset = AT(member_), .item = item_, \
		.where = where_ \
	}

enum { LABELS = PST_LABEL_ERR_CODE + 1 };

static const struct option options[LABELS] = {
	[PST_LABEL_SUPPORTED_TEEP_CIPHER_SUITES] =
	    VALUE(SUITES, suites, IN_ERROR),
	[PST_LABEL_CHALLENGE] = STRING(BSTR, challenge, PST_CHALLENGE_MIN,
	    PST_CHALLENGE_MAX, IN_QUERY_REQUEST | IN_ERROR),
	[PST_LABEL_VERSIONS] =
	    ITEMS(pst_teep_item_uint32, versions, IN_QUERY_REQUEST | IN_ERROR),
	[PST_LABEL_SUPPORTED_SUIT_COSE_PROFILES] =
	    VALUE(PROFILES, profiles, IN_ERROR),
	[PST_LABEL_SELECTED_VERSION] =
	    VALUE(NUMBER, selected_version, IN_QUERY_RESPONSE),
	[PST_LABEL_ATTESTATION_PAYLOAD] = STRING(BSTR, attestation_payload, 0,
	    PST_MESSAGE_MAX, IN_QUERIES | IN_UPDATE),
	[PST_LABEL_TC_LIST] =
	    ITEMS(pst_teep_item_tc, tc_list, IN_QUERY_RESPONSE),
	[PST_LABEL_EXT_LIST] =
	    ITEMS(pst_teep_item_uint32, ext_list, IN_QUERY_RESPONSE),
	[PST_LABEL_MANIFEST_LIST] =
	    ITEMS(pst_teep_item_manifest, manifest_list, IN_UPDATE),
	[PST_LABEL_MSG] = STRING(TSTR, msg, 1, PST_ERR_MSG_MAX, IN_SUCCESS),
	[PST_LABEL_ERR_MSG] =
	    STRING(TSTR, err_msg, 1, PST_ERR_MSG_MAX, IN_UPDATE | IN_ERROR),
	[PST_LABEL_ATTESTATION_PAYLOAD_FORMAT] =
	    STRING(TSTR, attestation_payload_format, 0, PST_MESSAGE_MAX,
		IN_QUERIES | IN_UPDATE),
	[PST_LABEL_REQUESTED_TC_LIST] = ITEMS(
	    pst_teep_item_requested, requested_tc_list, IN_QUERY_RESPONSE),
	[PST_LABEL_UNNEEDED_MANIFEST_LIST] = ITEMS(pst_teep_item_component,
	    unneeded_manifest_list, IN_QUERY_RESPONSE | IN_UPDATE),
	[PST_LABEL_SUIT_REPORTS] = ITEMS(pst_teep_item_report, suit_reports,
	    IN_QUERIES | IN_SUCCESS | IN_ERROR),
	[PST_LABEL_TOKEN] =
	    STRING(BSTR, token, PST_TOKEN_MIN, PST_TOKEN_MAX, IN_ANY),
	[PST_LABEL_SUPPORTED_FRESHNESS_MECHANISMS] =
	    VALUE(FRESHNESS, freshness, IN_QUERY_REQUEST | IN_ERROR),
	[PST_LABEL_ERR_LANG] =
	    STRING(TSTR, err_lang, 1, PST_ERR_LANG_MAX, IN_UPDATE | IN_ERROR),
	[PST_LABEL_ERR_CODE] = VALUE(CODE, err_code, IN_UPDATE)
};

/* Elements of the array, by message type; 0: no such message. */
static const uint8_t elements_of[PST_TEEP_ERROR + 1] = {
	[PST_TEEP_QUERY_REQUEST] = 5,
	[PST_TEEP_QUERY_RESPONSE] = 2,
	[PST_TEEP_UPDATE] = 2,
	[PST_TEEP_SUCCESS] = 2,
	[PST_TEEP_ERROR] = 3
};

/* A value of a closed set, recognised by its encoding. */
struct constant {
	uint8_t len;
	uint8_t bytes[8];
};

/* Bit n of PST_SUITE_* is entry n: [[18, alg]] (Section 8.1). */
enum { SUITES_COUNT = 2, PROFILES_COUNT = 4 };
static const struct constant suites[SUITES_COUNT] = {
	{ 4, { 0x81, 0x82, 0x12, 0x32 } }, /* -19 */
	{ 4, { 0x81, 0x82, 0x12, 0x28 } }  /* -9 */
};

/* Bit n of PST_PROFILE_*: [hash, signature, key agreement, cipher]
 * (draft-ietf-suit-mti). */
static const struct constant profiles[PROFILES_COUNT] = {
	{ 8, { 0x84, 0x2f, 0x28, 0x38, 0x1c, 0x39, 0xff, 0xfd } },
	{ 8, { 0x84, 0x2f, 0x32, 0x38, 0x1c, 0x39, 0xff, 0xfd } },
	{ 6, { 0x84, 0x2f, 0x28, 0x38, 0x1c, 0x01 } },
	{ 7, { 0x84, 0x2f, 0x32, 0x38, 0x1c, 0x18, 0x18 } }
};

/* --- reading ----------------------------------------------------------- */

/* One constant as a bit; 0 for an array that this build does not know. */
static uint32_t
known(struct pst_cbor_reader *r, const struct constant *set, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++) {
		if (pst_cbor_match(
			r, (struct pst_bytes){ set[i].bytes, set[i].len }))
			return (uint32_t)1 << i;
	}
	if (pst_cbor_peek(r) != PST_CBOR_ARRAY)
		pst_cbor_fail(r, PST_ERR_CBOR_TYPE);
	pst_cbor_skip(r);
	return 0;
}

static uint32_t
known_list(struct pst_cbor_reader *r, const struct constant *set, size_t count)
{
	size_t n = pst_cbor_array(r, 1, PST_TEEP_ITEMS_MAX);
	uint32_t bits = 0;

	while (n-- > 0 && pst_cbor_ok(r))
		bits |= known(r, set, count);
	return bits;
}

/* Mechanisms that have no bit are unknown, and passed over (Section 9). */
static uint32_t
freshness_list(struct pst_cbor_reader *r)
{
	size_t n = pst_cbor_array(r, 1, PST_TEEP_ITEMS_MAX);
	uint32_t bits = 0;
	uint64_t v;

	while (n-- > 0 && pst_cbor_ok(r)) {
		v = pst_cbor_uint(r, UINT64_MAX);
		if (v < 32)
			bits |= (uint32_t)1 << v;
	}
	return bits;
}

/*
 * "The value 0 is reserved and MUST NOT be used"; a number past the range is
 * "an unknown error" (Section 4.6), and one past 32 bits as well.
 */
static uint32_t
error_code(struct pst_cbor_reader *r)
{
	uint64_t v = pst_cbor_uint(r, UINT64_MAX);

	if (v == 0)
		pst_cbor_fail(r, PST_ERR_TEEP_FIELD);
	return v < UINT32_MAX ? (uint32_t)v : UINT32_MAX;
}

static struct pst_list
list(struct pst_cbor_reader *r, void (*item)(struct pst_cbor_reader *r))
{
	struct pst_list out = { { NULL, 0 }, 0 };
	size_t n = pst_cbor_array(r, 1, PST_TEEP_ITEMS_MAX);
	size_t start = r->at;
	size_t i;

	for (i = 0; i < n && pst_cbor_ok(r); i++)
		item(r);
	if (!pst_cbor_ok(r))
		return out;
	out.items.ptr = r->in.ptr + start;
	out.items.len = r->at - start;
	out.count = n;
	return out;
}

static void
value(struct pst_cbor_reader *r, const struct option *o,
    struct pst_teep_message *m)
{
	uint8_t *member = (uint8_t *)m + o->offset;
	struct pst_bytes s;
	struct pst_list l;
	uint32_t n;

	switch ((enum kind)o->kind) {
	case BSTR:
		s = pst_cbor_bstr(r, o->min, o->max);
		memcpy(member, &s, sizeof(s));
		return;
	case TSTR:
		s = pst_cbor_tstr(r, o->min, o->max);
		memcpy(member, &s, sizeof(s));
		return;
	case LIST:
		l = list(r, o->item);
		memcpy(member, &l, sizeof(l));
		return;
	case CODE:
		n = error_code(r);
		break;
	case SUITES:
		n = known_list(r, suites, SUITES_COUNT);
		break;
	case PROFILES:
		n = known_list(r, profiles, PROFILES_COUNT);
		break;
	case FRESHNESS:
		n = freshness_list(r);
		break;
	case NUMBER:
	case NONE:
	default:
		n = (uint32_t)pst_cbor_uint(r, UINT32_MAX);
	}
	memcpy(member, &n, sizeof(n));
}

/* May this message have this option? A label without a kind is unknown. */
static bool
allowed(const struct option *o, enum pst_teep_type type)
{
	return o->where >> type & 1;
}

/* Labels that mean something, but not as an option of a message. */
static bool
misplaced(int64_t label)
{
	return label >= PST_LABEL_COMPONENT_ID &&
	    label <= PST_LABEL_HAVE_BINARY;
}

static void
option(struct pst_cbor_reader *r, struct pst_cbor_seen *seen,
    struct pst_teep_message *m)
{
	/* teep-option = (uint => any) */
	bool is_uint = pst_cbor_peek(r) == PST_CBOR_UINT;
	int64_t label = pst_cbor_key(r, seen);
	const struct option *o;

	if (!is_uint) {
		pst_cbor_fail(r, PST_ERR_CBOR_TYPE);
		return;
	}
	/* Section 6: unrecognised labels are unknown optional parameters. */
	o = label >= 0 && label < LABELS ? &options[label] : &options[0];
	if (o->kind == NONE && !misplaced(label)) {
		pst_cbor_skip(r);
		return;
	}
	if (!allowed(o, m->type)) {
		pst_cbor_fail(r, PST_ERR_TEEP_FIELD);
		return;
	}
	m->present |= (uint32_t)1 << label;
	value(r, o, m);
}

/* [type, {options}, ...]; what follows the options depends on the type. */
static void
message(struct pst_cbor_reader *r, struct pst_teep_message *m)
{
	size_t elements = pst_cbor_array(r, 2, 5);
	uint64_t type = pst_cbor_uint(r, UINT64_MAX);
	struct pst_cbor_seen seen;
	size_t n;

	if (type > PST_TEEP_ERROR || elements_of[type] == 0) {
		pst_cbor_fail(r, PST_ERR_TEEP_TYPE);
		return;
	}
	if (elements != elements_of[type])
		pst_cbor_fail(r, PST_ERR_CBOR_RANGE);
	m->type = (enum pst_teep_type)type;
	n = pst_cbor_map(r, PST_TEEP_OPTIONS_MAX, &seen);
	while (n-- > 0 && pst_cbor_ok(r))
		option(r, &seen, m);
	if (type == PST_TEEP_ERROR)
		m->err_code = error_code(r);
	if (type != PST_TEEP_QUERY_REQUEST)
		return;
	m->suites = known_list(r, suites, SUITES_COUNT);
	m->profiles = known_list(r, profiles, PROFILES_COUNT);
	m->data_items = (uint32_t)pst_cbor_uint(r, UINT32_MAX);
}

/*
 * Section 4.2: the token is there when the attestation bit is clear; then a
 * challenge and freshness mechanisms are not.
 */
static enum pst_err
rules(const struct pst_teep_message *m)
{
	if (m->type != PST_TEEP_QUERY_REQUEST ||
	    (m->data_items & PST_TEEP_ITEM_ATTESTATION) != 0)
		return PST_OK;
	if (!PST_TEEP_HAS(m, PST_LABEL_TOKEN) ||
	    PST_TEEP_HAS(m, PST_LABEL_CHALLENGE) ||
	    PST_TEEP_HAS(m, PST_LABEL_SUPPORTED_FRESHNESS_MECHANISMS))
		return PST_ERR_TEEP_FIELD;
	return PST_OK;
}

static enum pst_err
decode(struct pst_bytes payload, struct pst_teep_message *m, size_t *at)
{
	struct pst_cbor_reader r;
	enum pst_err err;

	memset(m, 0, sizeof(*m));
	pst_cbor_reader_init(&r, payload);
	message(&r, m);
	if (pst_cbor_ok(&r) && r.at == payload.len)
		pst_cbor_fail(&r, rules(m));
	err = pst_cbor_end(&r);
	if (err != PST_OK)
		memset(m, 0, sizeof(*m));
	if (at != NULL)
		*at = r.at;
	return err;
}

enum pst_err
pst_teep_decode(
    const struct pst_verified *in, struct pst_teep_message *out, size_t *at)
{
	return decode(in->payload, out, at);
}

enum pst_err
pst_teep_peek_evidence(struct pst_bytes unverified, struct pst_bytes *payload,
    struct pst_bytes *format)
{
	struct pst_teep_message m;
	enum pst_err err;

	*payload = (struct pst_bytes){ NULL, 0 };
	*format = *payload;
	err = decode(unverified, &m, NULL);
	if (err != PST_OK)
		return err;
	if (m.type != PST_TEEP_QUERY_RESPONSE)
		return PST_ERR_TEEP_TYPE;
	if (!PST_TEEP_HAS(&m, PST_LABEL_ATTESTATION_PAYLOAD))
		return PST_ERR_NOT_FOUND;
	*payload = m.attestation_payload;
	*format = m.attestation_payload_format;
	return PST_OK;
}

/* --- writing ----------------------------------------------------------- */

static size_t
bits(uint32_t v)
{
	size_t n = 0;

	for (; v != 0; v &= v - 1)
		n++;
	return n;
}

static void
put_known(struct pst_cbor_writer *w, uint32_t set_bits,
    const struct constant *set, size_t count)
{
	size_t i;

	pst_cbor_put_array(w, bits(set_bits));
	for (i = 0; i < count; i++) {
		if (set_bits >> i & 1)
			pst_cbor_put_raw(
			    w, (struct pst_bytes){ set[i].bytes, set[i].len });
	}
}

static void
put_freshness(struct pst_cbor_writer *w, uint32_t mechanisms)
{
	uint32_t i;

	pst_cbor_put_array(w, bits(mechanisms));
	for (i = 0; i < 32; i++) {
		if (mechanisms >> i & 1)
			pst_cbor_put_uint(w, i);
	}
}

/* A member by its offset; the table says which type it has. */
static void
member_of(const struct pst_teep_message *m, const struct option *o,
    struct pst_bytes *s, struct pst_list *l, uint32_t *n)
{
	const uint8_t *member = (const uint8_t *)m + o->offset;

	if (o->kind == BSTR || o->kind == TSTR)
		memcpy(s, member, sizeof(*s));
	else if (o->kind == LIST)
		memcpy(l, member, sizeof(*l));
	else
		memcpy(n, member, sizeof(*n));
}

static void
put_value(struct pst_cbor_writer *w, const struct option *o,
    const struct pst_teep_message *m)
{
	struct pst_bytes s = { NULL, 0 };
	struct pst_list l = { { NULL, 0 }, 0 };
	uint32_t n = 0;

	member_of(m, o, &s, &l, &n);
	switch ((enum kind)o->kind) {
	case BSTR:
		pst_cbor_put_bstr(w, s);
		break;
	case TSTR:
		pst_cbor_put_tstr(w, s);
		break;
	case LIST:
		pst_cbor_put_array(w, l.count);
		pst_cbor_put_raw(w, l.items);
		break;
	case SUITES:
		put_known(w, n, suites, SUITES_COUNT);
		break;
	case PROFILES:
		put_known(w, n, profiles, PROFILES_COUNT);
		break;
	case FRESHNESS:
		put_freshness(w, n);
		break;
	case CODE:
	case NUMBER:
	case NONE:
	default:
		pst_cbor_put_uint(w, n);
	}
}

/* The size and domain of one value that is to be sent. */
static bool
sendable(const struct option *o, const struct pst_teep_message *m)
{
	struct pst_bytes s = { NULL, 0 };
	struct pst_list l = { { NULL, 0 }, 0 };
	uint32_t n = 0;

	member_of(m, o, &s, &l, &n);
	switch ((enum kind)o->kind) {
	case BSTR:
		return s.len >= o->min && s.len <= o->max;
	case TSTR:
		return s.len >= o->min && s.len <= o->max && pst_utf8_valid(s);
	case LIST:
		return l.count > 0 && l.count <= PST_TEEP_ITEMS_MAX;
	case SUITES:
		return n != 0 && n >> SUITES_COUNT == 0;
	case PROFILES:
		return n != 0 && n >> PROFILES_COUNT == 0;
	case CODE:
	case FRESHNESS:
		return n != 0;
	case NUMBER:
	case NONE:
	default:
		return true;
	}
}

/*
 * What a sender owes beyond what a receiver insists on: no token beside a
 * challenge (the published example has one, Section 4.2 forbids it), and
 * what "MUST be returned" with some error codes (Section 4.6).
 */
static bool
sender_rules(const struct pst_teep_message *m)
{
	static const struct {
		uint8_t code, label;
	} owed[] = { { PST_TEEP_ERR_UNSUPPORTED_CIPHER_SUITES,
			 PST_LABEL_SUPPORTED_TEEP_CIPHER_SUITES },
		{ PST_TEEP_ERR_UNSUPPORTED_FRESHNESS_MECHANISMS,
		    PST_LABEL_SUPPORTED_FRESHNESS_MECHANISMS },
		{ PST_TEEP_ERR_UNSUPPORTED_SUIT_REPORT,
		    PST_LABEL_SUPPORTED_SUIT_COSE_PROFILES },
		{ PST_TEEP_ERR_UNSUPPORTED_MSG_VERSION, PST_LABEL_VERSIONS } };
	size_t i;

	if (m->type == PST_TEEP_QUERY_REQUEST)
		return sendable(
			   &options[PST_LABEL_SUPPORTED_TEEP_CIPHER_SUITES],
			   m) &&
		    sendable(
			&options[PST_LABEL_SUPPORTED_SUIT_COSE_PROFILES], m) &&
		    ((m->data_items & PST_TEEP_ITEM_ATTESTATION) == 0 ||
			!PST_TEEP_HAS(m, PST_LABEL_TOKEN));
	if (m->type != PST_TEEP_ERROR)
		return true;
	for (i = 0; i < sizeof(owed) / sizeof(owed[0]); i++) {
		if (m->err_code == owed[i].code &&
		    !PST_TEEP_HAS(m, owed[i].label))
			return false;
	}
	return m->err_code != 0;
}

static enum pst_err
check_before_sending(const struct pst_teep_message *m)
{
	uint32_t label;

	if ((uint32_t)m->type > PST_TEEP_ERROR || elements_of[m->type] == 0)
		return PST_ERR_TEEP_TYPE;
	if (m->present >> LABELS != 0 || !sender_rules(m))
		return PST_ERR_TEEP_FIELD;
	for (label = 0; label < LABELS; label++) {
		if (!PST_TEEP_HAS(m, label))
			continue;
		if (!allowed(&options[label], m->type) ||
		    !sendable(&options[label], m))
			return PST_ERR_TEEP_FIELD;
	}
	return rules(m);
}

enum pst_err
pst_teep_encode(struct pst_cbor_writer *w, const struct pst_teep_message *m)
{
	enum pst_err err = check_before_sending(m);
	uint32_t label;

	if (err != PST_OK)
		return err;
	pst_cbor_put_array(w, elements_of[m->type]);
	pst_cbor_put_uint(w, (uint64_t)m->type);
	pst_cbor_put_map(w, bits(m->present));
	for (label = 0; label < LABELS; label++) {
		if (!PST_TEEP_HAS(m, label))
			continue;
		pst_cbor_put_uint(w, label);
		put_value(w, &options[label], m);
	}
	if (m->type == PST_TEEP_ERROR)
		pst_cbor_put_uint(w, m->err_code);
	if (m->type == PST_TEEP_QUERY_REQUEST) {
		put_known(w, m->suites, suites, SUITES_COUNT);
		put_known(w, m->profiles, profiles, PROFILES_COUNT);
		pst_cbor_put_uint(w, m->data_items);
	}
	return w->err;
}
