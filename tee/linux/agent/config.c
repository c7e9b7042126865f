#include "config.h"

#include "component.h"
#include "rights.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <yaml.h>

#define NOBODY_ELSE UINT32_MAX /* no broker-uid */

/* A reader of the document with a sticky error, as the CBOR reader has. */
struct reader {
	yaml_document_t doc;
	const char *path;
	char folder[PATH_MAX];
	struct pst_config *c;
	char *why;
	size_t why_cap;
	bool failed;
};

typedef void
take_fn(struct reader *r, const yaml_node_t *value, void *to, size_t size);

struct key {
	const char *name;
	take_fn *take;
	size_t at; /* of the field in the struct that is filled in */
	size_t size;
	bool required;
};
#define KEYS_MAX 16

static void __attribute__((format(printf, 3, 4)))
fail(struct reader *r, const yaml_node_t *n, const char *fmt, ...)
{
	va_list ap;
	int len;

	if (r->failed)
		return;
	r->failed = true;
	len = snprintf(r->why, r->why_cap, "%s:%zu: ", r->path,
	    n == NULL ? 1 : n->start_mark.line + 1);
	if (len < 0 || (size_t)len >= r->why_cap)
		return;
	va_start(ap, fmt);
	(void)vsnprintf(r->why + len, r->why_cap - (size_t)len, fmt, ap);
	va_end(ap);
}

/* Nothing of it was read: no line is to blame. */
static void
fail_file(struct reader *r, const char *why)
{
	if (r->failed)
		return;
	r->failed = true;
	(void)snprintf(r->why, r->why_cap, "%s: %s", r->path, why);
}

/* --- nodes --------------------------------------------------------------- */

static const char *
scalar(struct reader *r, const yaml_node_t *n)
{
	const char *text;

	if (n == NULL || n->type != YAML_SCALAR_NODE) {
		fail(r, n, "a plain value is expected here");
		return "";
	}
	text = (const char *)n->data.scalar.value;
	if (strlen(text) != n->data.scalar.length) {
		fail(r, n, "a zero byte in a value");
		return "";
	}
	return text;
}

static const struct key *
find_key(const struct key *keys, const char *name, size_t *index)
{
	for (*index = 0; keys[*index].name != NULL; ++*index)
		if (strcmp(keys[*index].name, name) == 0)
			return &keys[*index];
	return NULL;
}

static void
take_pair(struct reader *r, const yaml_node_pair_t *pair,
    const struct key *keys, void *to, uint32_t *seen)
{
	const yaml_node_t *name = yaml_document_get_node(&r->doc, pair->key);
	const yaml_node_t *value = yaml_document_get_node(&r->doc, pair->value);
	const char *text = scalar(r, name);
	const struct key *k;
	size_t index;

	if (r->failed)
		return;
	k = find_key(keys, text, &index);
	if (k == NULL) {
		fail(r, name, "unknown key '%.64s'", text);
		return;
	}
	if ((*seen & 1u << index) != 0) {
		fail(r, name, "'%s' occurs twice", text);
		return;
	}
	*seen |= 1u << index;
	k->take(r, value, (uint8_t *)to + k->at, k->size);
}

static void
take_map(
    struct reader *r, const yaml_node_t *n, const struct key *keys, void *to)
{
	const yaml_node_pair_t *pair;
	uint32_t seen = 0;
	size_t i;

	if (n == NULL || n->type != YAML_MAPPING_NODE) {
		fail(r, n, "'key: value' lines are expected here");
		return;
	}
	for (pair = n->data.mapping.pairs.start;
	     pair < n->data.mapping.pairs.top && !r->failed; pair++)
		take_pair(r, pair, keys, to, &seen);
	for (i = 0; keys[i].name != NULL; i++)
		if (keys[i].required && (seen & 1u << i) == 0)
			fail(r, n, "'%s' is missing", keys[i].name);
}

static size_t
list_of(struct reader *r, const yaml_node_t *n, size_t max)
{
	size_t count;

	if (n == NULL || n->type != YAML_SEQUENCE_NODE) {
		fail(r, n, "a list is expected here");
		return 0;
	}
	count =
	    (size_t)(n->data.sequence.items.top - n->data.sequence.items.start);
	if (count <= max)
		return count;
	fail(r, n, "at most %zu entries are possible here", max);
	return 0;
}

static const yaml_node_t *
entry(struct reader *r, const yaml_node_t *list, size_t i)
{
	return yaml_document_get_node(
	    &r->doc, list->data.sequence.items.start[i]);
}

/* --- values -------------------------------------------------------------- */

static void
take_text(struct reader *r, const yaml_node_t *n, void *to, size_t size)
{
	const char *text = scalar(r, n);

	if (strlen(text) == 0 || strlen(text) >= size)
		fail(
		    r, n, "1 to %zu bytes of text are expected here", size - 1);
	else if (!pst_utf8_valid(
		     (struct pst_bytes){ (const uint8_t *)text, strlen(text) }))
		fail(r, n, "not UTF-8");
	else
		strcpy(to, text);
}

static unsigned long
number(struct reader *r, const yaml_node_t *n, int base, unsigned long min,
    unsigned long max)
{
	const char *text = scalar(r, n);
	unsigned long v;
	char *end;

	if (r->failed)
		return 0;
	errno = 0;
	v = strtoul(text, &end, base);
	if (*text < '0' || *text > '9' || *end != '\0' || errno != 0 ||
	    v < min || v > max) {
		fail(r, n, "a number from %lu to %lu is expected here", min,
		    max);
		return 0;
	}
	return v;
}

static void
take_seconds(struct reader *r, const yaml_node_t *n, void *to, size_t size)
{
	uint32_t v = (uint32_t)number(r, n, 10, 1, 100000000);

	memcpy(to, &v, size);
}

static void
take_timeout(struct reader *r, const yaml_node_t *n, void *to, size_t size)
{
	uint32_t v = (uint32_t)number(r, n, 10, 1, 86400);

	memcpy(to, &v, size);
}

static void
take_bytes(struct reader *r, const yaml_node_t *n, void *to, size_t size)
{
	uint64_t v = number(r, n, 10, 1, 1ul << 40);

	memcpy(to, &v, size);
}

static void
take_bool(struct reader *r, const yaml_node_t *n, void *to, size_t size)
{
	const char *text = scalar(r, n);
	bool v = strcmp(text, "true") == 0;

	if (!v && strcmp(text, "false") != 0)
		fail(r, n, "true or false is expected here");
	memcpy(to, &v, size);
}

static void
take_uid(struct reader *r, const yaml_node_t *n, void *to, size_t size)
{
	uint32_t v = (uint32_t)number(r, n, 10, 0, NOBODY_ELSE - 1);

	memcpy(to, &v, size);
}

static void
take_mode(struct reader *r, const yaml_node_t *n, void *to, size_t size)
{
	uint32_t v = (uint32_t)number(r, n, 8, 0, 0777);

	memcpy(to, &v, size);
}

static void
uuid(struct reader *r, const yaml_node_t *n, uint8_t to[16], bool *has)
{
	const char *text = scalar(r, n);

	if (!r->failed && !pst_uuid_parse(text, strlen(text), to))
		fail(r, n, "a UUID (8-4-4-4-12 digits) is expected here");
	*has = true;
}

static void
take_vendor(struct reader *r, const yaml_node_t *n, void *to, size_t size)
{
	(void)size;
	uuid(r, n, to, &r->c->has_vendor);
}

static void
take_class(struct reader *r, const yaml_node_t *n, void *to, size_t size)
{
	(void)size;
	uuid(r, n, to, &r->c->has_class);
}

static void
take_device_id(struct reader *r, const yaml_node_t *n, void *to, size_t size)
{
	(void)size;
	uuid(r, n, to, &r->c->has_device);
}

static size_t
hex(struct reader *r, const yaml_node_t *n, uint8_t *to, size_t min, size_t max)
{
	const char *text = scalar(r, n);
	size_t digits = strlen(text);

	if (r->failed)
		return 0;
	if (digits % 2 == 0 && digits / 2 >= min && digits / 2 <= max &&
	    pst_hex_parse(text, digits, to))
		return digits / 2;
	fail(r, n, "%zu to %zu bytes in hexadecimal are expected here", min,
	    max);
	return 0;
}

static void
take_oemid(struct reader *r, const yaml_node_t *n, void *to, size_t size)
{
	r->c->oemid_len = hex(r, n, to, 3, size);
	if (!r->failed && r->c->oemid_len != 3 && r->c->oemid_len != 16)
		fail(r, n, "an oemid has 3 or 16 bytes");
}

static void
take_ueid(struct reader *r, const yaml_node_t *n, void *to, size_t size)
{
	r->c->ueid_len = hex(r, n, to, 7, size);
}

static uint32_t
suite_bit(int32_t alg)
{
	switch (alg) {
	case PST_ALG_ESP256:
		return PST_SUITE_ESP256;
	case PST_ALG_ED25519:
		return PST_SUITE_ED25519;
	default:
		return 0;
	}
}

static void
take_suites(struct reader *r, const yaml_node_t *n, void *to, size_t size)
{
	size_t i, count = list_of(r, n, 2);
	struct pst_config *c = r->c;
	int32_t alg;

	(void)to;
	(void)size;
	c->suites = 0;
	for (i = 0; i < count && !r->failed; i++) {
		alg = pst_alg_by_name(scalar(r, entry(r, n, i)));
		if (suite_bit(alg) == 0)
			fail(r, n, "a suite is esp256 or ed25519");
		if (i == 0)
			c->first_suite = alg;
		c->suites |= suite_bit(alg);
	}
	if (count == 0)
		fail(r, n, "at least one suite is needed");
}

/* --- files and components ------------------------------------------------ */

static bool
file_path(struct reader *r, const yaml_node_t *n, char out[PATH_MAX])
{
	const char *text = scalar(r, n);
	int len;

	if (r->failed)
		return false;
	len = snprintf(
	    out, PATH_MAX, "%s%s", *text == '/' ? "" : r->folder, text);
	if (*text != '\0' && len > 0 && len < PATH_MAX)
		return true;
	fail(r, n, "a file's name is expected here");
	return false;
}

/* A key that anybody can have the private part of protects nothing. */
static bool
read_key(struct reader *r, const yaml_node_t *n, struct pst_key *key)
{
	char path[PATH_MAX];
	const char *why = NULL;
	enum pst_err err;

	if (!file_path(r, n, path))
		return false;
	err = pst_key_read(path, key, &why);
	if (err != PST_OK)
		fail(r, n, "%s: %s", path,
		    err == PST_ERR_IO ? strerror(errno)
			: why != NULL ? why
				      : pst_err_name(err));
	else if (pst_key_published(key) || pst_pubkey_published(&key->pub))
		fail(r, n, "%s: the private part of this key was published",
		    path);
	return !r->failed;
}

static void
public_key(struct reader *r, const yaml_node_t *n, struct pst_pubkey *out)
{
	struct pst_key key;

	memset(&key, 0, sizeof(key));
	if (read_key(r, n, &key)) {
		if (key.pub.kty == PST_KTY_SYMMETRIC)
			fail(r, n, "%s: not a public key", scalar(r, n));
		else
			*out = key.pub;
	}
	pst_key_wipe(&key);
}

/* Of a file that nobody but its owner can read. */
static void
check_secret(struct reader *r, const yaml_node_t *n, const struct pst_key *key)
{
	char path[PATH_MAX];

	if (!file_path(r, n, path))
		return;
	if (key->secret_len == 0)
		fail(r, n, "%s: the private part is needed", path);
	else if (pst_key_file_exposed(path))
		fail(r, n, "%s: others can read this key", path);
}

static void
rights_of(struct reader *r, const yaml_node_t *n, int (*label)(const char *),
    bool *some, uint64_t *bits)
{
	size_t i, count = list_of(r, n, 64);
	const yaml_node_t *item;
	const char *name;

	*some = true;
	for (i = 0; i < count && !r->failed; i++) {
		item = entry(r, n, i);
		name = scalar(r, item);
		if (!r->failed && label(name) == 0)
			fail(r, item, "'%.64s' is nothing to be granted", name);
		*bits |= (uint64_t)1 << label(name);
	}
}

/* One prefix, in both of its halves. */
struct prefix_entry {
	uint8_t *room; /* PST_SUIT_ID_MAX bytes */
	struct pst_bytes *prefix;
	struct pst_agent_rights *rights;
};

static void
take_prefix(struct reader *r, const yaml_node_t *n, void *to, size_t size)
{
	struct prefix_entry *e = to;
	size_t len = 0;

	(void)size;
	if (pst_component_parse(scalar(r, n), e->room, PST_SUIT_ID_MAX, &len) !=
	    PST_OK)
		fail(r, n, "not a component identifier");
	*e->prefix = (struct pst_bytes){ e->room, len };
}

static void
take_commands(struct reader *r, const yaml_node_t *n, void *to, size_t size)
{
	struct prefix_entry *e = to;

	(void)size;
	rights_of(r, n, pst_rights_command, &e->rights->some_commands,
	    &e->rights->commands);
}

static void
take_parameters(struct reader *r, const yaml_node_t *n, void *to, size_t size)
{
	struct prefix_entry *e = to;

	(void)size;
	rights_of(r, n, pst_rights_parameter, &e->rights->some_parameters,
	    &e->rights->parameters);
}

static void
prefixes(struct reader *r, const yaml_node_t *n, struct pst_config_scope *data,
    struct pst_agent_scope *scope)
{
	static const struct key keys[] = {
		{ "prefix", take_prefix, 0, 0, true },
		{ "commands", take_commands, 0, 0, false },
		{ "parameters", take_parameters, 0, 0, false },
		{ 0 },
	};
	size_t i, count = list_of(r, n, PST_AGENT_PREFIXES_MAX);
	struct prefix_entry e;
	const yaml_node_t *item;

	for (i = 0; i < count && !r->failed; i++) {
		item = entry(r, n, i);
		e = (struct prefix_entry){ data->prefix[i], &scope->prefix[i],
			&scope->rights[i] };
		if (item != NULL && item->type == YAML_MAPPING_NODE)
			take_map(r, item, keys, &e);
		else
			take_prefix(r, item, &e, 0);
	}
	scope->count = count;
}

/* --- TAMs ---------------------------------------------------------------- */

/* The entry that is being read, in both of its halves. */
struct tam_entry {
	struct pst_agent_tam *tam;
	struct pst_config_tam *data;
};

static void
take_tam_name(struct reader *r, const yaml_node_t *n, void *to, size_t size)
{
	struct tam_entry *e = to;

	(void)size;
	take_text(r, n, e->data->name, sizeof(e->data->name));
	e->tam->name = (struct pst_bytes){ (uint8_t *)e->data->name,
		strlen(e->data->name) };
}

static void
take_tam_uri(struct reader *r, const yaml_node_t *n, void *to, size_t size)
{
	struct tam_entry *e = to;

	(void)size;
	take_text(r, n, e->data->uri, sizeof(e->data->uri));
	if (strncmp(e->data->uri, "http://", 7) != 0 &&
	    strncmp(e->data->uri, "https://", 8) != 0)
		fail(r, n, "a TAM's uri begins with http:// or https://");
	e->tam->uri =
	    (struct pst_bytes){ (uint8_t *)e->data->uri, strlen(e->data->uri) };
}

static void
take_tam_keys(struct reader *r, const yaml_node_t *n, void *to, size_t size)
{
	struct tam_entry *e = to;
	size_t i;

	(void)size;
	e->tam->key_count = list_of(r, n, PST_AGENT_TAM_KEYS_MAX);
	for (i = 0; i < e->tam->key_count && !r->failed; i++)
		public_key(r, entry(r, n, i), &e->tam->keys[i]);
}

static void
take_tam_root(struct reader *r, const yaml_node_t *n, void *to, size_t size)
{
	struct tam_entry *e = to;
	char path[PATH_MAX];
	const char *why = NULL;
	enum pst_err err;

	(void)size;
	if (!file_path(r, n, path))
		return;
	err = pst_certs_read(path, &e->data->root, &why);
	if (err != PST_OK)
		fail(r, n, "%s: %s", path,
		    err == PST_ERR_IO ? strerror(errno)
			: why != NULL ? why
				      : pst_err_name(err));
	else if (e->data->root.count != 1)
		fail(r, n, "%s: one certificate is expected", path);
	else
		e->tam->root = e->data->root.cert[0];
}

/* What is encrypted to the TAM: ECDH needs a key on a NIST curve. */
static void
take_tam_encryption_key(
    struct reader *r, const yaml_node_t *n, void *to, size_t size)
{
	struct tam_entry *e = to;

	(void)size;
	public_key(r, n, &e->tam->encryption_key);
	if (!r->failed && e->tam->encryption_key.kty != PST_KTY_EC2)
		fail(r, n, "an EC key is needed to encrypt to");
}

static void
take_tam_report_key(
    struct reader *r, const yaml_node_t *n, void *to, size_t size)
{
	(void)to;
	(void)size;
	fail(r, n, "report-key is encryption-key now");
}

static void
take_tam_confidential(
    struct reader *r, const yaml_node_t *n, void *to, size_t size)
{
	struct tam_entry *e = to;

	(void)size;
	take_bool(r, n, &e->tam->confidential_transport,
	    sizeof(e->tam->confidential_transport));
}

static void
take_tam_sign_reports(
    struct reader *r, const yaml_node_t *n, void *to, size_t size)
{
	struct tam_entry *e = to;

	(void)size;
	take_bool(r, n, &e->tam->sign_reports, sizeof(e->tam->sign_reports));
}

static void
take_tam_verifiers(
    struct reader *r, const yaml_node_t *n, void *to, size_t size)
{
	struct tam_entry *e = to;
	size_t i;

	(void)size;
	e->tam->verifier_count = list_of(r, n, PST_AGENT_VERIFIERS_MAX);
	if (e->tam->verifier_count == 0)
		fail(r, n, "at least one Verifier is needed");
	for (i = 0; i < e->tam->verifier_count && !r->failed; i++)
		public_key(r, entry(r, n, i), &e->tam->verifiers[i]);
}

static void
take_tam_attested(struct reader *r, const yaml_node_t *n, void *to, size_t size)
{
	static const struct key keys[] = {
		{ "verifiers", take_tam_verifiers, 0, 0, true },
		{ 0 },
	};

	(void)size;
	take_map(r, n, keys, to);
}

static void
take_tam_passport(struct reader *r, const yaml_node_t *n, void *to, size_t size)
{
	struct tam_entry *e = to;

	(void)size;
	take_text(r, n, e->data->passport, sizeof(e->data->passport));
	e->tam->passport = (struct pst_bytes){ (uint8_t *)e->data->passport,
		strlen(e->data->passport) };
}

/* A passport is from another TAM of the list. */
static void
check_passports(struct reader *r, const yaml_node_t *n)
{
	const struct pst_config *c = r->c;
	size_t i, k;

	for (i = 0; i < c->tam_count && !r->failed; i++) {
		const char *name = c->tam_data[i].passport;

		if (*name == '\0')
			continue;
		for (k = 0; k < c->tam_count; k++)
			if (k != i && strcmp(c->tam_data[k].name, name) == 0)
				break;
		if (k == c->tam_count)
			fail(r, entry(r, n, i), "no other TAM is named '%s'",
			    name);
	}
}

static void
take_tam_prefixes(struct reader *r, const yaml_node_t *n, void *to, size_t size)
{
	struct tam_entry *e = to;

	(void)size;
	prefixes(r, n, &e->data->scope, &e->tam->scope);
}

static void
take_tams(struct reader *r, const yaml_node_t *n, void *to, size_t size)
{
	static const struct key keys[] = {
		{ "name", take_tam_name, 0, 0, true },
		{ "uri", take_tam_uri, 0, 0, true },
		{ "keys", take_tam_keys, 0, 0, false },
		{ "root", take_tam_root, 0, 0, false },
		{ "encryption-key", take_tam_encryption_key, 0, 0, false },
		{ "confidential-transport", take_tam_confidential, 0, 0,
		    false },
		{ "report-key", take_tam_report_key, 0, 0, false },
		{ "sign-reports", take_tam_sign_reports, 0, 0, false },
		{ "attested", take_tam_attested, 0, 0, false },
		{ "passport", take_tam_passport, 0, 0, false },
		{ "prefixes", take_tam_prefixes, 0, 0, true },
		{ 0 },
	};
	struct pst_config *c = r->c;
	struct tam_entry e;
	size_t i, k, count = list_of(r, n, PST_AGENT_TAMS_MAX);

	(void)to;
	(void)size;
	for (i = 0; i < count && !r->failed; i++) {
		e = (struct tam_entry){ &c->tams[i], &c->tam_data[i] };
		c->tam_count = i + 1;
		take_map(r, entry(r, n, i), keys, &e);
		if (e.tam->key_count == 0 && e.tam->root.len == 0)
			fail(r, entry(r, n, i), "'keys' or 'root' is needed");
		for (k = 0; k < e.tam->key_count; k++)
			if (pst_pubkey_equal(
				&e.tam->keys[k], &e.tam->encryption_key))
				fail(r, entry(r, n, i),
				    "encryption-key is a key that signs");
		for (k = 0; k < i; k++)
			if (strcmp(c->tam_data[k].name, e.data->name) == 0)
				fail(r, entry(r, n, i), "two TAMs named '%s'",
				    e.data->name);
	}
	check_passports(r, n);
}

/* --- signers ------------------------------------------------------------- */

struct signer_entry {
	struct pst_agent_signer *signer;
	struct pst_config_scope *data;
	struct pst_key *secret;
	char name[PST_CONFIG_TEXT_MAX + 1];
};

/* Public, or shared with the signer for a MAC. */
static void
take_signer_key(struct reader *r, const yaml_node_t *n, void *to, size_t size)
{
	struct signer_entry *e = to;

	(void)size;
	if (!read_key(r, n, e->secret))
		return;
	e->signer->key = e->secret->pub;
	if (e->secret->pub.kty == PST_KTY_SYMMETRIC)
		check_secret(r, n, e->secret);
	else
		pst_key_wipe(e->secret);
}

static void
take_signer_prefixes(
    struct reader *r, const yaml_node_t *n, void *to, size_t size)
{
	struct signer_entry *e = to;

	(void)size;
	prefixes(r, n, e->data, &e->signer->scope);
}

static void
take_signers(struct reader *r, const yaml_node_t *n, void *to, size_t size)
{
	static const struct key keys[] = {
		{ "name", take_text, offsetof(struct signer_entry, name),
		    PST_CONFIG_TEXT_MAX + 1, true },
		{ "key", take_signer_key, 0, 0, true },
		{ "prefixes", take_signer_prefixes, 0, 0, true },
		{ 0 },
	};
	struct pst_config *c = r->c;
	struct signer_entry e;
	size_t i, count = list_of(r, n, PST_AGENT_SIGNERS_MAX);

	(void)to;
	(void)size;
	for (i = 0; i < count && !r->failed; i++) {
		memset(&e, 0, sizeof(e));
		e.signer = &c->signers[i];
		e.data = &c->signer_data[i];
		e.secret = &c->signer_secrets[i];
		take_map(r, entry(r, n, i), keys, &e);
		c->signer_count = i + 1;
	}
}

/* --- keys that content is encrypted to ----------------------------------- */

static void
take_decryption(struct reader *r, const yaml_node_t *n, void *to, size_t size)
{
	struct pst_config *c = r->c;
	size_t i, count = list_of(r, n, PST_CONFIG_DECRYPTION_MAX);
	const yaml_node_t *item;
	struct pst_key *key;

	(void)to;
	(void)size;
	for (i = 0; i < count && !r->failed; i++) {
		item = entry(r, n, i);
		key = &c->decryption[i];
		c->decryption_count = i + 1;
		if (!read_key(r, item, key))
			return;
		if (key->pub.kty != PST_KTY_EC2 && pst_key_wrap_alg(key) == 0)
			fail(r, item,
			    "%s: neither an EC key nor one for AES key wrap",
			    scalar(r, item));
		check_secret(r, item, key);
	}
}

/* --- the file ------------------------------------------------------------ */

#define AT(m) \
	offsetof(struct pst_config, m), sizeof(((struct pst_config *)0)->m)

static void
take_device(struct reader *r, const yaml_node_t *n, void *to, size_t size)
{
	static const struct key keys[] = {
		{ "vendor-id", take_vendor, AT(vendor_id), false },
		{ "class-id", take_class, AT(class_id), false },
		{ "device-id", take_device_id, AT(device_id), false },
		{ "oemid", take_oemid, AT(oemid), true },
		{ "hwmodel", take_text, offsetof(struct pst_config, hwmodel),
		    33, true },
		{ "hwversion", take_text, AT(hwversion), true },
		{ "debug", take_bool, AT(debug), false },
		{ 0 },
	};

	(void)to;
	(void)size;
	take_map(r, n, keys, r->c);
}

static void
take_technology(struct reader *r, const yaml_node_t *n, void *to, size_t size)
{
	static const char *const names[] = { "software", "tpm", "tsm",
		"gramine" };
	enum pst_config_attestation technology;
	const char *text = scalar(r, n);
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(text, names[i]) == 0)
			break;
	if (i == sizeof(names) / sizeof(names[0]))
		fail(r, n, "software, tpm, tsm or gramine is expected here");
	technology = (enum pst_config_attestation)i;
	memcpy(to, &technology, size);
}

static void
take_pcrs(struct reader *r, const yaml_node_t *n, void *to, size_t size)
{
	size_t i, count = list_of(r, n, 24);
	uint32_t pcrs = 0;

	for (i = 0; i < count && !r->failed; i++)
		pcrs |= 1u << number(r, entry(r, n, i), 10, 0, 23);
	if (count == 0)
		fail(r, n, "at least one PCR is needed");
	memcpy(to, &pcrs, size);
}

static void
take_attestation(struct reader *r, const yaml_node_t *n, void *to, size_t size)
{
	static const struct key keys[] = {
		{ "technology", take_technology, AT(attestation.technology),
		    true },
		{ "tcti", take_text, AT(attestation.tcti), false },
		{ "pcrs", take_pcrs, AT(attestation.pcrs), false },
		{ "event-log", take_text, AT(attestation.log), false },
		{ "path", take_text, AT(attestation.path), false },
		{ 0 },
	};
	const struct pst_config_attest *a = &r->c->attestation;
	bool tpm, folder;

	(void)to;
	(void)size;
	r->c->attestation.pcrs = 0;
	take_map(r, n, keys, r->c);
	tpm = a->technology == PST_ATTEST_BY_TPM;
	folder = a->technology == PST_ATTEST_BY_TSM ||
	    a->technology == PST_ATTEST_BY_GRAMINE;
	if ((*a->tcti != '\0' || *a->log != '\0' || a->pcrs != 0) && !tpm)
		fail(r, n, "tcti, pcrs and event-log are of a tpm");
	if (*a->path != '\0' && !folder)
		fail(r, n, "path is of tsm and gramine");
	if (a->pcrs == 0)
		r->c->attestation.pcrs = 0xff;
}

static void
take_file(struct reader *r)
{
	static const struct key keys[] = {
		{ "device", take_device, 0, 0, true },
		{ "tams", take_tams, 0, 0, true },
		{ "signers", take_signers, 0, 0, true },
		{ "decryption", take_decryption, 0, 0, false },
		{ "attestation", take_attestation, 0, 0, false },
		{ "ueid", take_ueid, AT(ueid), false },
		{ "suites", take_suites, 0, 0, false },
		{ "policy-interval", take_seconds, AT(policy_interval_s),
		    false },
		{ "call-timeout", take_timeout, AT(call_timeout_s), false },
		{ "payload-max", take_bytes, AT(payload_max), false },
		{ "socket-mode", take_mode, AT(socket_mode), false },
		{ "broker-uid", take_uid, AT(broker_uid), false },
		{ 0 },
	};

	take_map(r, yaml_document_get_root_node(&r->doc), keys, r->c);
}
#undef AT

static void
defaults(struct pst_config *c)
{
	c->suites = PST_SUITE_ESP256 | PST_SUITE_ED25519;
	c->first_suite = PST_ALG_ESP256;
	c->policy_interval_s = 3600;
	c->call_timeout_s = 60;
	c->payload_max = PST_AGENT_PAYLOAD_MAX;
	c->socket_mode = 0600;
	c->broker_uid = NOBODY_ELSE;
}

/* What names of files are relative to, with a slash, or nothing. */
static void
set_folder(struct reader *r)
{
	const char *slash = strrchr(r->path, '/');
	size_t len = slash == NULL ? 0 : (size_t)(slash - r->path) + 1;

	if (len >= sizeof(r->folder))
		fail(r, NULL, "the path is too long");
	else
		memcpy(r->folder, r->path, len);
}

static void
parse(struct reader *r, FILE *f)
{
	yaml_parser_t parser;

	if (!yaml_parser_initialize(&parser)) {
		fail_file(r, "out of memory");
		return;
	}
	yaml_parser_set_input_file(&parser, f);
	if (!yaml_parser_load(&parser, &r->doc)) {
		snprintf(r->why, r->why_cap, "%s:%zu: %s", r->path,
		    parser.problem_mark.line + 1,
		    parser.problem != NULL ? parser.problem : "not YAML");
		r->failed = true;
	} else {
		take_file(r);
		yaml_document_delete(&r->doc);
	}
	yaml_parser_delete(&parser);
}

struct pst_config *
pst_config_read(const char *path, char *why, size_t why_cap)
{
	struct reader r = { .path = path, .why = why, .why_cap = why_cap };
	struct stat st;
	FILE *f = fopen(path, "re");

	if (f == NULL || fstat(fileno(f), &st) != 0) {
		fail_file(&r, strerror(errno));
		if (f != NULL)
			fclose(f);
		return NULL;
	}
	r.c = calloc(1, sizeof(*r.c));
	if (r.c == NULL)
		fail_file(&r, "out of memory");
	if (!S_ISREG(st.st_mode) || st.st_size > PST_CONFIG_FILE_MAX)
		fail_file(&r, "not a file of at most 1 MiB");
	set_folder(&r);
	if (!r.failed) {
		defaults(r.c);
		parse(&r, f);
	}
	fclose(f);
	if (r.failed) {
		pst_config_free(r.c);
		return NULL;
	}
	return r.c;
}

void
pst_config_free(struct pst_config *c)
{
	size_t i;

	if (c == NULL)
		return;
	for (i = 0; i < c->tam_count; i++)
		pst_certs_free(&c->tam_data[i].root);
	pst_wipe(c, sizeof(*c));
	free(c);
}
