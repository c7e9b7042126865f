/*
 * One message of an agent, from bytes to its handler.
 *
 * The order is fixed: take the COSE apart; look at the attestation payload
 * and nothing else (pst_teep_peek_evidence); let the Verifier judge it; find
 * the device and the key that must have signed; verify the signature; decode.
 * Only then is the message content.
 *
 * Where the key comes from, in this order: the enrolled kid; an x5chain under
 * a configured root; the COSE_Key in cnf of a payload whose own signature
 * verified.
 */
#include <tam/engine/engine_internal.h>

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void
pst_tam_note(struct pst_tam_output *out, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	(void)vsnprintf(out->note, sizeof(out->note), format, args);
	va_end(args);
}

enum pst_err
pst_tam_drop(
    struct pst_tam_output *out, enum pst_err err, const char *format, ...)
{
	va_list args;

	out->event = PST_TAM_EV_DROPPED;
	out->err = err;
	out->reply_len = 0;
	va_start(args, format);
	(void)vsnprintf(out->note, sizeof(out->note), format, args);
	va_end(args);
	return PST_OK;
}

static void
output_reset(struct pst_tam_output *out)
{
	out->reply_len = 0;
	out->event = PST_TAM_EV_DROPPED;
	out->err = PST_OK;
	out->note[0] = '\0';
	out->device = 0;
	out->device_name = (struct pst_bytes){ NULL, 0 };
	out->payload = out->format = (struct pst_bytes){ NULL, 0 };
	memset(&out->changes, 0, sizeof(out->changes));
}

/* --- the key of a message ---------------------------------------------- */

/* TEEP's cipher suites and nothing weaker (Section 8). */
static bool
alg_allowed(int32_t alg)
{
	return pst_teep_suite_of(alg) != 0;
}

static bool
kid_is(struct pst_bytes kid, const struct pst_pubkey *key,
    const struct pst_crypto *crypto)
{
	uint8_t print[PST_THUMBPRINT_LEN];

	if (kid.len == 0)
		return true;
	return pst_cose_thumbprint(crypto, key, print) == PST_OK &&
	    pst_tam_same(kid, (struct pst_bytes){ print, sizeof(print) });
}

static enum pst_err
chain_key(struct pst_tam_turn *t, const struct pst_cose_headers *headers,
    struct pst_pubkey *key)
{
	const struct pst_crypto *c = t->e->crypto;
	struct pst_bytes certs[PST_X5CHAIN_MAX], item;
	struct pst_list list = headers->x5chain;
	struct pst_cbor_reader r;
	size_t n = 0, root;

	if (list.count == 0 || t->e->root_count == 0)
		return PST_ERR_NOT_FOUND;
	while (pst_list_next(&list, &item)) {
		if (n == PST_X5CHAIN_MAX)
			return PST_ERR_COSE_CERT;
		pst_cbor_reader_init(&r, item);
		certs[n++] = pst_cbor_bstr(&r, 1, SIZE_MAX);
		if (!pst_cbor_ok(&r))
			return PST_ERR_COSE_CERT;
	}
	return c->chain(c->ctx, certs, n, t->e->roots, t->e->root_count,
	    t->now_s, key, &root);
}

/* pst_keys.find over one turn. Each source is one attempt; a source that has
 * nothing passes on to the next. */
static enum pst_err
find_key(void *ctx, const struct pst_cose_headers *headers, size_t attempt,
    struct pst_pubkey *key, uint32_t *who)
{
	struct pst_tam_turn *t = ctx;
	const struct pst_crypto *c = t->e->crypto;
	size_t n = 0;

	*who = 0;
	if (!alg_allowed(headers->alg))
		return PST_ERR_NOT_FOUND;
	if (t->device.has_key && kid_is(headers->kid, &t->device.key, c) &&
	    n++ == attempt) {
		*key = t->device.key;
		return PST_OK;
	}
	/*
	 * A root vouches for many devices: its certificates stand only beside
	 * Evidence, whose cnf has to name the key. Later messages are signed
	 * with the key that was attested.
	 */
	if (t->appraisal.genuine && chain_key(t, headers, key) == PST_OK &&
	    n++ == attempt)
		return PST_OK;
	if (t->appraisal.genuine && t->appraisal.has_key && !t->foreign &&
	    kid_is(headers->kid, &t->appraisal.key, c) && n++ == attempt) {
		*key = t->appraisal.key;
		return PST_OK;
	}
	return PST_ERR_NOT_FOUND;
}

/* --- the device -------------------------------------------------------- */

static enum pst_err
device_by_kid(struct pst_tam_turn *t, struct pst_bytes kid)
{
	if (kid.len != PST_THUMBPRINT_LEN)
		return PST_ERR_NOT_FOUND;
	return t->e->records->device_by_key(
	    t->e->records->ctx, kid.ptr, &t->device);
}

/* The kid of the first signature that has one of an enrolled device. */
static enum pst_err
device_by_message(struct pst_tam_turn *t, const struct pst_cose_message *msg)
{
	struct pst_cose_headers headers;
	struct pst_bytes signature;
	enum pst_err err;
	size_t i;

	for (i = 0; pst_cose_signature(msg, i, &headers, &signature); i++) {
		err = device_by_kid(t, headers.kid);
		if (err != PST_ERR_NOT_FOUND)
			return err;
	}
	return PST_ERR_NOT_FOUND;
}

/* A key that was enrolled for one technology makes no Evidence of another. */
static enum pst_err
device_of_attester(struct pst_tam_turn *t)
{
	const struct pst_tam_records *rec = t->e->records;
	const struct pst_tam_appraisal *a = &t->appraisal;
	enum pst_err err;

	err = rec->device_by_attester(rec->ctx, a->attester, &t->device);
	/* A Result names the device, and not how it attested. */
	if (err == PST_OK && !a->is_result && t->device.technology.len > 0 &&
	    !pst_tam_same(t->device.technology, a->technology))
		return PST_ERR_EAT_REFUSED;
	return err;
}

/*
 * Whose message is it? Genuine Evidence says it, by who attested; a Result
 * may name only the agent's key. Otherwise the kid decides, and the message
 * still has to verify under that device's key.
 */
static enum pst_err
find_device(struct pst_tam_turn *t, const struct pst_cose_message *msg)
{
	const struct pst_tam_appraisal *a = &t->appraisal;
	uint8_t print[PST_THUMBPRINT_LEN];
	enum pst_err err;

	if (!a->genuine)
		return device_by_message(t, msg);
	if (a->attester.len > 0) {
		err = device_of_attester(t);
		if (err != PST_ERR_NOT_FOUND || !a->is_result)
			return err;
	}
	/* Anybody's machine would do for any device. */
	if (!a->is_result)
		return PST_ERR_NOT_FOUND;
	if (!a->has_key)
		return device_by_kid(t, a->key_id);
	if (pst_cose_thumbprint(t->e->crypto, &a->key, print) != PST_OK)
		return PST_ERR_NOT_FOUND;
	return device_by_kid(t, (struct pst_bytes){ print, sizeof(print) });
}

/* --- a message --------------------------------------------------------- */

/* Errors of the input, as opposed to a broken node. */
static bool
input_fault(enum pst_err err)
{
	return (err >= PST_ERR_CBOR_END && err < PST_ERR_STORE) ||
	    err == PST_ERR_LIMIT || err == PST_ERR_UNSUPPORTED;
}

static enum pst_err
appraise(struct pst_tam_turn *t, const struct pst_cose_message *msg,
    const struct pst_tam_appraisal *given)
{
	const struct pst_tam_appraiser *v = t->e->appraiser;
	enum pst_err err;

	err = pst_teep_peek_evidence(msg->payload, &t->payload, &t->format);
	if (err != PST_OK)
		return PST_OK; /* decode will say what is wrong, if anything */
	t->appraised = true;
	err = pst_tam_open_payload(t);
	if (err != PST_OK) {
		/* It proves nothing; the sender is told so if it is known. */
		t->appraisal.err = err;
		return input_fault(err) ? PST_OK : err;
	}
	if (given != NULL) {
		t->appraisal = *given;
		return PST_OK;
	}
	err = v->appraise(
	    v->ctx, t->format, t->evidence, t->now_s, &t->appraisal);
	if (err == PST_ERR_AGAIN) {
		t->out->payload = t->evidence;
		t->out->format = t->format;
	}
	return err;
}

static enum pst_err
verify(struct pst_tam_turn *t, const struct pst_cose_message *msg,
    struct pst_verified *verified)
{
	struct pst_keys keys = { .ctx = t, .find = find_key };
	enum pst_err err;

	err = pst_cose_verify(
	    msg, t->e->crypto, &keys, (struct pst_bytes){ NULL, 0 }, verified);
	if (err != PST_OK)
		return err;
	t->key = verified->key;
	t->suite = pst_teep_suite_of(verified->alg);
	return pst_cose_thumbprint(t->e->crypto, &t->key, t->thumbprint);
}

/*
 * Genuine Evidence of one device in a message that another one signed: the
 * message is authentic, and its sender is told that this is no Evidence of
 * its own.
 */
static enum pst_err
verify_sender(struct pst_tam_turn *t, const struct pst_cose_message *msg,
    struct pst_verified *verified)
{
	struct pst_tam_device attested = t->device;
	enum pst_err err, first;

	first = verify(t, msg, verified);
	if (first == PST_OK || !t->appraisal.genuine)
		return first;
	err = device_by_message(t, msg);
	if (err != PST_OK || t->device.id == attested.id)
		return first;
	t->foreign = true;
	return verify(t, msg, verified) == PST_OK ? PST_OK : first;
}

static enum pst_err
dispatch(struct pst_tam_turn *t)
{
	switch (t->msg.type) {
	case PST_TEEP_QUERY_RESPONSE:
		return pst_tam_on_response(t);
	case PST_TEEP_SUCCESS:
		return pst_tam_on_success(t);
	case PST_TEEP_ERROR:
		return pst_tam_on_error(t);
	default:
		return pst_tam_drop(t->out, PST_ERR_TEEP_TYPE,
		    "device %.*s sent a message of a TAM",
		    (int)t->device.name.len, (const char *)t->device.name.ptr);
	}
}

static enum pst_err
fault(struct pst_tam_turn *t, enum pst_err err, const char *what)
{
	if (!input_fault(err))
		return err;
	return pst_tam_drop(t->out, err, "%s: %s", what, pst_err_name(err));
}

/* Why there is no device: said for the operator who may have to enroll it. */
static enum pst_err
unknown_device(struct pst_tam_turn *t)
{
	static const char digits[] = "0123456789abcdef";
	const struct pst_bytes *a = &t->appraisal.attester;
	char hex[2 * PST_TAM_ATTESTER_MAX + 1];
	size_t i;

	if (!t->appraised)
		return pst_tam_drop(
		    t->out, PST_ERR_COSE_KEY, "message by an unknown key");
	if (a->len == 0 || a->len > PST_TAM_ATTESTER_MAX)
		return pst_tam_drop(t->out,
		    t->appraisal.err != PST_OK ? t->appraisal.err
					       : PST_ERR_COSE_KEY,
		    "attestation payload of no enrolled device: %s",
		    pst_err_name(t->appraisal.err));
	for (i = 0; i < a->len; i++) {
		hex[2 * i] = digits[a->ptr[i] >> 4];
		hex[2 * i + 1] = digits[a->ptr[i] & 15];
	}
	hex[2 * a->len] = '\0';
	return pst_tam_drop(
	    t->out, PST_ERR_COSE_KEY, "attester %s is not enrolled", hex);
}

static enum pst_err
other_technology(struct pst_tam_turn *t)
{
	const struct pst_tam_device *d = &t->device;
	struct pst_bytes is = t->appraisal.technology;

	return pst_tam_drop(t->out, PST_ERR_EAT_REFUSED,
	    "device %.*s: its attester is enrolled for %.*s, this is %.*s",
	    (int)d->name.len, (const char *)d->name.ptr, (int)d->technology.len,
	    (const char *)d->technology.ptr, (int)is.len, (const char *)is.ptr);
}

static enum pst_err
handle(struct pst_tam_turn *t, const struct pst_tam_appraisal *given)
{
	struct pst_cose_message msg;
	struct pst_verified verified;
	enum pst_err err;

	if (t->body.len > PST_MESSAGE_MAX)
		return pst_tam_drop(
		    t->out, PST_ERR_TEEP_TOO_LARGE, "message too large");
	err = pst_cose_parse(t->body, PST_TAG_SIGN1, &msg, NULL);
	if (err == PST_OK && (msg.kind == PST_TAG_MAC0 || msg.detached))
		err = PST_ERR_COSE_STRUCTURE;
	if (err != PST_OK)
		return fault(t, err, "not a signed message");
	err = appraise(t, &msg, given);
	if (err != PST_OK)
		return err;
	err = find_device(t, &msg);
	if (err == PST_ERR_NOT_FOUND)
		return unknown_device(t);
	if (err == PST_ERR_EAT_REFUSED)
		return other_technology(t);
	if (err != PST_OK)
		return err;
	err = verify_sender(t, &msg, &verified);
	if (err != PST_OK)
		return fault(t, err, "not authentic");
	t->out->device = t->device.id;
	t->out->device_name = t->device.name;
	err = pst_teep_decode(&verified, &t->msg, NULL);
	if (err != PST_OK)
		return fault(t, err, "malformed");
	return dispatch(t);
}

enum pst_err
pst_tam_message(struct pst_tam_engine *e, struct pst_bytes body,
    const struct pst_tam_appraisal *appraisal, uint64_t now_s,
    struct pst_tam_output *out)
{
	struct pst_tam_turn t;
	enum pst_err err;

	output_reset(out);
	memset(&t, 0, sizeof(t));
	t.e = e;
	t.out = out;
	t.now_s = now_s;
	t.body = body;
	err = handle(&t, appraisal);
	if (err != PST_OK) {
		out->reply_len = 0;
		out->changes.what = 0;
		out->err = err;
		return err;
	}
	out->changes.device = t.device.id;
	out->changes.now_s = now_s;
	return PST_OK;
}

enum pst_err
pst_tam_connect(struct pst_tam_engine *e, uint32_t suite, uint64_t now_s,
    struct pst_tam_output *out)
{
	output_reset(out);
	if ((suite & ~pst_tam_suites(e)) != 0)
		return PST_ERR_TEEP_SUITE;
	return pst_tam_query(e, out, suite, 0, now_s);
}
