/* How devices are made known: keys, certificates and identities of theirs. */
#include <stdio.h>
#include <string.h>

#include "cli/diag/component.h"
#include "ports/openssl/openssl.h"
#include "verifier/verifier.h"

#include "admin_internal.h"

/* A chain of PST_X5CHAIN_MAX certificates, as header x5chain holds it. */
enum { CHAIN_BYTES = PST_COSE_BUCKET_MAX };

/** An attester out of JSON, and what it views. */
struct reading {
	struct pst_tam_attester attester;
	uint8_t identity[PST_TAM_ATTESTER_MAX];
	uint8_t chain[CHAIN_BYTES];
};

/* --- one attester ------------------------------------------------------ */

static bool
attests(const char *technology)
{
	const char *const *formats;
	const char *name;
	size_t i;

	for (i = 0; pst_verifier_technology(i, &name, &formats); i++)
		if (strcmp(name, technology) == 0)
			return strcmp(name, "result") != 0;
	return false;
}

static enum pst_err
read_identity(struct pst_admin_call *c, const char *text, struct reading *r)
{
	size_t digits = strlen(text);

	if (digits == 0 || digits % 2 != 0 ||
	    digits / 2 > sizeof(r->identity) ||
	    !pst_hex_parse(text, digits, r->identity))
		return pst_admin_refuse(c, PST_ERR_ARG,
		    "identity: 1 to %d bytes in hexadecimal",
		    PST_TAM_ATTESTER_MAX);
	r->attester.identity = (struct pst_bytes){ r->identity, digits / 2 };
	return PST_OK;
}

/* The leaf's key attests; the path is looked at with each Evidence. */
static enum pst_err
read_certificate(struct pst_admin_call *c, const char *text, struct reading *r)
{
	struct pst_tam_attester *a = &r->attester;
	struct pst_bytes pem = { (const uint8_t *)text, strlen(text) };
	struct pst_cbor_writer w;
	struct pst_certs certs;
	const char *why = NULL;
	enum pst_err err;

	if (a->has_key)
		return pst_admin_refuse(c, PST_ERR_ARG,
		    "certificate: has its own key; leave \"key\" away");
	if (pst_certs_parse(pem, &certs, &why) != PST_OK)
		return pst_admin_refuse(c, PST_ERR_COSE_CERT, "certificate: %s",
		    why != NULL ? why : "not a certificate");
	pst_cbor_writer_init(&w, r->chain, sizeof(r->chain));
	pst_certs_x5chain(&w, &certs);
	a->x5chain = pst_cbor_written(&w);
	err = pst_cert_public(certs.cert[0], &a->key);
	pst_certs_free(&certs);
	if (w.err != PST_OK)
		return pst_admin_refuse(
		    c, PST_ERR_LIMIT, "certificate: the chain is too long");
	if (err != PST_OK)
		return pst_admin_refuse(c, PST_ERR_COSE_KEY_FORMAT,
		    "certificate: its key is of a kind that signs no Evidence");
	a->has_key = true;
	return PST_OK;
}

/** Members technology, key, certificate, identity; and name for enrolling. */
static enum pst_err
read_attester(struct pst_admin_call *c, const char **name, struct reading *r)
{
	const char *technology = "eat", *key = NULL, *cert = NULL, *id = NULL;
	struct pst_tam_attester *a = &r->attester;
	enum pst_err err;

	memset(a, 0, sizeof(*a));
	if (name != NULL)
		err = pst_admin_unpack(c, "{s?s, s?s, s?s, s?s, s?s}", "name",
		    name, "technology", &technology, "key", &key, "certificate",
		    &cert, "identity", &id);
	else
		err = pst_admin_unpack(c, "{s?s, s?s, s?s, s?s}", "technology",
		    &technology, "key", &key, "certificate", &cert, "identity",
		    &id);
	if (err != PST_OK)
		return err;
	if (key == NULL && cert == NULL && id == NULL)
		return pst_admin_refuse(
		    c, PST_ERR_ARG, "give a key, a certificate or an identity");
	if (!attests(technology))
		return pst_admin_refuse(c, PST_ERR_ARG,
		    "technology: none that a Verifier here knows");
	a->technology = technology;
	a->origin = "";
	if (key != NULL) {
		err = pst_admin_key_read(c, key, &a->key);
		a->has_key = err == PST_OK;
	}
	if (err == PST_OK && cert != NULL)
		err = read_certificate(c, cert, r);
	if (err == PST_OK && id != NULL)
		err = read_identity(c, id, r);
	return err;
}

/* --- what is shown ----------------------------------------------------- */

static bool
add_attester(void *ctx, const struct pst_tam_attester *row)
{
	const char *by = row->x5chain.len > 0 ? "certificate"
	    : row->has_key		      ? "key"
					      : "identity";
	json_t *item;

	item = json_pack("{s:o, s:o, s:s, s:o, s:o}", "attester",
	    pst_admin_hex(row->identity), "technology",
	    row->technology[0] != 0 ? pst_admin_text(row->technology)
				    : json_null(),
	    "by", by, "voucher",
	    row->origin[0] != 0 ? pst_admin_text(row->origin) : json_null(),
	    "since", pst_admin_time(row->since_s));
	return json_array_append_new(ctx, item) == 0;
}

enum pst_err
pst_admin_attesters(struct pst_admin_call *c, int64_t device, json_t *out)
{
	json_t *list = json_array();
	enum pst_err err;

	err = pst_tam_list_attesters(c->reader, device, add_attester, list);
	json_object_set_new(out, "attesters", list);
	return err;
}

/* --- calls ------------------------------------------------------------- */

static enum pst_err
enroll_device(struct pst_admin_call *c)
{
	const char *name = "";
	struct reading r;
	enum pst_err err;
	int64_t id;

	err = read_attester(c, &name, &r);
	if (err != PST_OK)
		return err;
	err = pst_tam_device_enroll(
	    c->store, c->crypto, c->who, name, &r.attester, c->now_s, &id);
	if (err == PST_ERR_STATE)
		return pst_admin_refuse(c, err,
		    "another device has this name or this attester; a device "
		    "that changes its key gets the new one with add-key");
	return err == PST_OK ? pst_admin_device_by_id(c, id) : err;
}

static enum pst_err
add_key(struct pst_admin_call *c)
{
	struct reading r;
	enum pst_err err;

	err = read_attester(c, NULL, &r);
	if (err != PST_OK)
		return err;
	err = pst_tam_attester_add(
	    c->store, c->crypto, c->who, c->arg[0], &r.attester, c->now_s);
	if (err == PST_ERR_STATE)
		return pst_admin_refuse(
		    c, err, "it attests for another device");
	return err == PST_OK ? pst_admin_device_by_name(c)
			     : pst_admin_about_device(c, err);
}

static enum pst_err
remove_key(struct pst_admin_call *c)
{
	uint8_t attester[PST_TAM_ATTESTER_MAX];
	const char *text = c->arg[1];
	size_t digits = strlen(text);
	enum pst_err err;

	if (digits == 0 || digits % 2 != 0 || digits / 2 > sizeof(attester) ||
	    !pst_hex_parse(text, digits, attester))
		return pst_admin_refuse(c, PST_ERR_ARG,
		    "attester: as the device's listing shows it");
	c->status = 204;
	err = pst_tam_attester_remove(c->store, c->who, c->arg[0],
	    (struct pst_bytes){ attester, digits / 2 }, c->now_s);
	if (err == PST_ERR_STATE)
		return pst_admin_refuse(c, err,
		    "it is the only attester of %s; add the new one first, or "
		    "revoke or remove the device",
		    c->arg[0]);
	if (err == PST_ERR_NOT_FOUND)
		return pst_admin_refuse(c, err,
		    "no device is called %s, or this is no attester of it",
		    c->arg[0]);
	return err;
}

const struct pst_admin_route pst_admin_enroll_routes[] = {
	{ "POST", "/devices", 0, PST_ADMIN_JSON, enroll_device },
	{ "POST", "/devices/*/attesters", 0, PST_ADMIN_JSON, add_key },
	{ "DELETE", "/devices/*/attesters/*", 0, PST_ADMIN_NO_BODY,
	    remove_key },
	{ NULL, NULL, 0, PST_ADMIN_NO_BODY, NULL },
};
