/*
 * From a program of bytes to a tree of signed manifests. It is read in genes
 * of eight bytes: two say what the tree looks like, each of the others is a
 * command, or a few that belong together, of the sequence that is written. The
 * envelopes are always valid and their signatures always fit; what the
 * commands say may be anything. Manifest 0 is the root, made last.
 */
#include <stdio.h>
#include <string.h>

#include "tree.h"

enum { SMALL = 1024, DEPTH_MAX = 3, COMMANDS = 6 };

/* Payloads as they are, with a tag, without one, with one that is wrong. */
enum form { CLEAR, TAGGED, UNTAGGED, SPOILT, FORMS };
static const char form_letter[FORMS] = { 'p', 'g', 'c', 'b' };
static const size_t sizes[PLAIN] = { 0, 1, 9, 40, 300, 700 };

static uint8_t store[FORMS][PLAIN][SMALL];
static struct pst_bytes payloads[FORMS][PLAIN];
static uint8_t info_store[2][256];
static struct pst_bytes infos[2];
static const uint8_t ids[LETTERS][3] = { "\x81\x41"
					 "a",
	"\x81\x41"
	"b",
	"\x81\x41"
	"c",
	"\x81\x41"
	"d",
	"\x81\x41"
	"e",
	"\x81\x41"
	"1",
	"\x81\x41"
	"2" };

/* A manifest that is being written. */
struct making {
	struct program *p;
	struct pst_cbor_writer *w;
	uint32_t number;
	uint32_t depends; /* bit n: on manifest n */
	uint32_t sections;
	uint8_t letters[LETTERS]; /* of its components, in order */
	uint32_t count;
	uint32_t present; /* components that parameters are set for now */
	bool shared;
};

struct pst_bytes
program_id(uint8_t n)
{
	return (struct pst_bytes){ ids[n], sizeof(ids[n]) };
}

uint8_t
program_letter(struct pst_bytes id)
{
	uint8_t i;

	for (i = 0; i < LETTERS; i++)
		if (id.len > 0 && ids[i][2] == id.ptr[id.len - 1])
			return i;
	abort();
}

/* --- payloads --------------------------------------------------------------
 */

static void
seal(enum form form, int32_t alg, size_t n)
{
	struct pst_cose_recipient to = { PST_ALG_A128KW, 1, NULL, { NULL, 0 } };
	struct pst_cose_encrypt_args args = { .alg = alg,
		.detached = true,
		.unauthenticated = true,
		.recipients = &to,
		.count = 1 };
	uint8_t *info = info_store[form - TAGGED];
	struct pst_cbor_writer w;
	size_t len;

	/* The same key and iv for all, so that one info opens each. */
	port_reset();
	pst_cbor_writer_init(&w, info, sizeof(info_store[0]));
	MUST(pst_cose_encrypt(&w, &port, &args, payloads[CLEAR][n],
		 store[form][n], &len) == PST_OK);
	infos[form - TAGGED] = pst_cbor_written(&w);
	payloads[form][n] = (struct pst_bytes){ store[form][n], len };
}

static void
make_payloads(void)
{
	size_t n, i;

	for (n = 0; n < PLAIN; n++) {
		for (i = 0; i < sizes[n]; i++)
			store[CLEAR][n][i] = (uint8_t)(n * 41 + i * 13);
		payloads[CLEAR][n] =
		    (struct pst_bytes){ store[CLEAR][n], sizes[n] };
		seal(TAGGED, PST_ALG_A128GCM, n);
		seal(UNTAGGED, PST_ALG_A128CTR, n);
		payloads[SPOILT][n].ptr = store[SPOILT][n];
		payloads[SPOILT][n].len = payloads[TAGGED][n].len;
		memcpy(store[SPOILT][n], store[TAGGED][n],
		    payloads[TAGGED][n].len);
		store[SPOILT][n][payloads[TAGGED][n].len - 1] ^= 1;
	}
}

struct pst_bytes
program_serve(const struct program *p, struct pst_bytes uri)
{
	struct pst_bytes none = { NULL, 0 };
	size_t f, n;

	if (uri.len != 2)
		return none;
	n = (size_t)(uri.ptr[1] - '0');
	if (uri.ptr[0] == 'm')
		return n > 0 && n < MANIFESTS ? p->made[n] : none;
	for (f = 0; f < FORMS; f++)
		if (uri.ptr[0] == form_letter[f] && n < PLAIN)
			return payloads[f][n];
	return none;
}

/* --- genes ------------------------------------------------------------------
 */

static const uint8_t *
gene(struct program *p)
{
	static const uint8_t none[GENE];
	const uint8_t *g = p->genes.ptr;

	if (p->genes.len < GENE) {
		p->over = true;
		return none;
	}
	p->genes.ptr += GENE;
	p->genes.len -= GENE;
	return g;
}

static void
say(struct making *m, enum said kind, uint64_t value)
{
	struct program *p = m->p;
	uint32_t i;

	for (i = 0; i < m->count; i++) {
		if (!(m->present >> i & 1))
			continue;
		if (p->said_count == sizeof(p->said) / sizeof(p->said[0])) {
			p->full = true;
			return;
		}
		p->said[p->said_count++] =
		    (struct saying){ m->letters[i], (uint8_t)kind, value };
	}
}

static void
say_copied(struct making *m, uint32_t from)
{
	struct program *p = m->p;
	uint32_t i;

	for (i = 0; i < m->count; i++) {
		if (!(m->present >> i & 1) || from >= m->count)
			continue;
		if (p->copied_count == 256) {
			p->full = true;
			return;
		}
		p->copied[p->copied_count][0] = m->letters[from];
		p->copied[p->copied_count++][1] = m->letters[i];
	}
}

/* What is said of one component is said of those that it is copied to. */
static void
close_copied(struct program *p)
{
	size_t i, k, j, n;

	for (i = 0; i < p->said_count && p->copied_count > 0; i++) {
		for (k = 0; k < p->copied_count; k++) {
			struct saying s = p->said[i];

			if (s.letter != p->copied[k][0])
				continue;
			s.letter = p->copied[k][1];
			n = p->said_count;
			for (j = 0; j < n; j++)
				if (p->said[j].letter == s.letter &&
				    p->said[j].kind == s.kind &&
				    p->said[j].value == s.value)
					break;
			if (j < n)
				continue;
			if (n == sizeof(p->said) / sizeof(p->said[0])) {
				p->full = true;
				return;
			}
			p->said[p->said_count++] = s;
		}
	}
}

/* --- parameters -------------------------------------------------------------
 */

static struct pst_bytes
payload(uint8_t v)
{
	return payloads[(v / PLAIN) % FORMS][v % PLAIN];
}

static void
put_digest_bytes(struct making *m, int32_t alg, const uint8_t *bytes)
{
	struct pst_suit_digest d = { alg,
		{ bytes, alg == PST_ALG_SHA256 ? 32 : 64 } };
	size_t mark = pst_cbor_wrap_begin(m->w);
	uint64_t value = 0;
	size_t i;

	for (i = 8; i-- > 0;)
		value = value << 8 | bytes[i];
	say(m, SAID_DIGEST, value);
	pst_suit_digest_put(m->w, &d);
	pst_cbor_wrap_bstr(m->w, mark);
}

static void
put_digest_of(struct making *m, struct pst_bytes what, bool other, bool wrong)
{
	int32_t alg = other ? PST_ALG_SHA512 : PST_ALG_SHA256;
	uint8_t bytes[PST_DIGEST_MAX];
	size_t len;

	(void)!port.digest(NULL, alg, &what, 1, bytes, &len);
	if (wrong)
		bytes[0] ^= 0x55;
	put_digest_bytes(m, alg, bytes);
}

/* A dependency's manifest digest; of one that is not made it is zeros. */
static void
put_digest_manifest(struct making *m, uint32_t n, bool other)
{
	put_digest_bytes(m, other ? PST_ALG_SHA512 : PST_ALG_SHA256,
	    other ? m->p->digest512[n] : m->p->digest[n]);
}

static void
put_uri(struct making *m, char letter, uint32_t n, bool inside)
{
	char uri[4] = "#";
	const char *at = inside ? uri : uri + 1;

	uri[1] = letter;
	uri[2] = (char)('0' + n);
	pst_cbor_put_tstr(
	    m->w, (struct pst_bytes){ (const uint8_t *)at, strlen(at) });
}

static void
put_content(struct making *m, struct pst_bytes what)
{
	say(m, SAID_CONTENT, port_value(PST_ALG_SHA256, what));
	/* What is a ciphertext with its tag is known by what is before it. */
	if (what.len >= PST_AEAD_TAG_LEN)
		say(m, SAID_CONTENT,
		    port_value(PST_ALG_SHA256,
			(struct pst_bytes){
			    what.ptr, what.len - PST_AEAD_TAG_LEN }));
	pst_cbor_put_bstr(m->w, what);
}

/* {event: value} or [comparison, [n]], in a bstr */
static void
put_structure(struct making *m, int64_t label, uint8_t v)
{
	size_t mark = pst_cbor_wrap_begin(m->w);

	if (label == PST_SUIT_PARAM_VERSION) {
		pst_cbor_put_array(m->w, 2);
		pst_cbor_put_uint(m->w, 1 + v % 5);
		pst_cbor_put_array(m->w, 1);
		pst_cbor_put_uint(m->w, v / 64);
	} else {
		pst_cbor_put_map(m->w, 1);
		pst_cbor_put_uint(
		    m->w, label == PST_SUIT_PARAM_WAIT_INFO ? 1 + v % 8 : 1);
		pst_cbor_put_uint(m->w, v / 8);
	}
	pst_cbor_wrap_bstr(m->w, mark);
}

static void
put_uuid(struct making *m, uint8_t v)
{
	uint8_t uuid[16];

	memset(uuid, v % 8 == 0 ? 'n' : 'v', sizeof(uuid));
	pst_cbor_put_bstr(m->w, (struct pst_bytes){ uuid, sizeof(uuid) });
}

static void
put_value(struct making *m, int64_t label, uint8_t v)
{
	struct pst_bytes what = payload(v);

	switch (label) {
	case PST_SUIT_PARAM_VENDOR:
	case PST_SUIT_PARAM_CLASS:
	case PST_SUIT_PARAM_DEVICE:
		put_uuid(m, v);
		break;
	case PST_SUIT_PARAM_IMAGE_DIGEST:
		if (v >= 240)
			put_digest_manifest(m, v % MANIFESTS, v & 4);
		else
			put_digest_of(m, what, v % 5 == 4, v % 11 == 10);
		break;
	case PST_SUIT_PARAM_IMAGE_SIZE:
		pst_cbor_put_uint(m->w, sizes[v % PLAIN] + (v > 240));
		break;
	case PST_SUIT_PARAM_CONTENT:
		put_content(m, what);
		break;
	case PST_SUIT_PARAM_ENCRYPTION_INFO:
		pst_cbor_put_bstr(m->w, infos[v % 2]);
		break;
	case PST_SUIT_PARAM_URI:
		put_uri(m, v > 250 ? 'z' : form_letter[(v / PLAIN) % FORMS],
		    v % PLAIN, v >= 192);
		break;
	case PST_SUIT_PARAM_SOURCE_COMPONENT:
		pst_cbor_put_uint(m->w, v > 250 ? m->count : v % m->count);
		break;
	case PST_SUIT_PARAM_STRICT_ORDER:
	case PST_SUIT_PARAM_SOFT_FAILURE:
		pst_cbor_put_bool(m->w, v & 1);
		break;
	case PST_SUIT_PARAM_VERSION:
	case PST_SUIT_PARAM_WAIT_INFO:
	case PST_SUIT_PARAM_COMPONENT_METADATA:
		put_structure(m, label, v);
		break;
	case PST_SUIT_PARAM_INVOKE_ARGS:
	case PST_SUIT_PARAM_FETCH_ARGUMENTS:
		pst_cbor_put_bstr(m->w, payload(v % PLAIN));
		break;
	default:
		pst_cbor_put_uint(m->w, v);
	}
}

/* {+ parameters}: up to three, the labels and values of a gene's bytes 1 to
 * 6. */
static void
put_parameters(struct making *m, const uint8_t *g)
{
	static const int64_t labels[] = { 1, 2, 3, 4, 5, 12, 13, 14, 18, 19, 21,
		22, 23, 24, 25, 26, 27, 28, 29, 30, 3, 21, 18, 22, 3, 14, 99,
		-300 };
	size_t i, n = 0, mark = pst_cbor_wrap_begin(m->w);
	int64_t label, last = -1000;

	/* In the order of the encoding: the negative one is the last. */
	for (label = 1; label < 100 + 1; label++) {
		int64_t is = label == 100 ? -300 : label;

		for (i = 1; i <= 3; i++)
			if (labels[g[i] % (sizeof(labels) / sizeof(*labels))] ==
			    is)
				break;
		if (i > 3 || is == last)
			continue;
		pst_cbor_put_int(m->w, is);
		put_value(m, is, g[i + 3]);
		last = is;
		n++;
	}
	pst_cbor_wrap_map(m->w, mark, n);
}

/* --- commands ---------------------------------------------------------------
 */

static size_t
put_plain(struct making *m, int64_t id, uint64_t arg)
{
	pst_cbor_put_int(m->w, id);
	pst_cbor_put_uint(m->w, arg);
	return 1;
}

static size_t
put_index(struct making *m, uint32_t index)
{
	m->present = 1u << (index % m->count);
	return put_plain(m, PST_SUIT_DIR_SET_COMPONENT_INDEX, index);
}

/* One, several or all; rarely one that there is not. */
static size_t
put_any_index(struct making *m, const uint8_t *g)
{
	uint32_t a = g[2] % m->count, b = g[3] % m->count;

	if (g[1] < 160)
		return put_index(m, a);
	if (g[1] > 252)
		return put_index(m, m->count);
	pst_cbor_put_int(m->w, PST_SUIT_DIR_SET_COMPONENT_INDEX);
	if (g[1] < 210) {
		pst_cbor_put_array(m->w, 2);
		pst_cbor_put_uint(m->w, a);
		pst_cbor_put_uint(m->w, b);
		m->present = 1u << a | 1u << b;
	} else {
		pst_cbor_put_bool(m->w, true);
		m->present = (1u << m->count) - 1;
	}
	return 1;
}

/* Set what a payload is to be, fetch or write it, and see that it is. */
static size_t
put_fill(struct making *m, const uint8_t *g)
{
	enum form form = g[2] < 110 ? CLEAR
	    : g[2] < 170	    ? TAGGED
	    : g[2] < 230	    ? UNTAGGED
				    : SPOILT;
	bool write = g[3] % 4 == 0, sized = g[3] & 0x40;
	uint32_t n = g[4] % PLAIN;
	size_t count = put_index(m, g[1] % m->count);

	pst_cbor_put_int(m->w, PST_SUIT_DIR_OVERRIDE_PARAMETERS);
	pst_cbor_put_map(m->w, 2u + sized + (form != CLEAR));
	pst_cbor_put_int(m->w, PST_SUIT_PARAM_IMAGE_DIGEST);
	put_digest_of(m, payloads[g[5] > 250 ? form : CLEAR][n], g[5] % 8 == 7,
	    g[5] % 32 == 5);
	if (sized) {
		pst_cbor_put_int(m->w, PST_SUIT_PARAM_IMAGE_SIZE);
		pst_cbor_put_uint(m->w, sizes[n] + (g[5] == 77));
	}
	if (write) {
		pst_cbor_put_int(m->w, PST_SUIT_PARAM_CONTENT);
		put_content(m, payloads[form][n]);
	}
	if (form != CLEAR) {
		pst_cbor_put_int(m->w, PST_SUIT_PARAM_ENCRYPTION_INFO);
		pst_cbor_put_bstr(m->w, infos[form == UNTAGGED]);
	}
	if (!write) {
		pst_cbor_put_int(m->w, PST_SUIT_PARAM_URI);
		put_uri(m, form_letter[form], g[6] > 250 ? (n + 1) % PLAIN : n,
		    g[3] % 4 == 1);
	}
	count++;
	if (!m->shared)
		count += put_plain(
		    m, write ? PST_SUIT_DIR_WRITE : PST_SUIT_DIR_FETCH, 15);
	if (g[6] % 8 >= 3)
		count += put_plain(m, PST_SUIT_COND_IMAGE_MATCH, g[6] % 16);
	if (!m->shared && g[7] % 8 == 0)
		count += put_plain(m, PST_SUIT_DIR_INVOKE, 15);
	return count;
}

/* Fetch what is compared with bytes of the manifest; two forms are of one
 * length. */
static size_t
put_check(struct making *m, const uint8_t *g)
{
	uint32_t n = g[4] % PLAIN;
	size_t count = put_index(m, g[1] % m->count);

	pst_cbor_put_int(m->w, PST_SUIT_DIR_OVERRIDE_PARAMETERS);
	pst_cbor_put_map(m->w, 2);
	pst_cbor_put_int(m->w, PST_SUIT_PARAM_CONTENT);
	put_content(m, payloads[g[2] & 1 ? SPOILT : TAGGED][n]);
	pst_cbor_put_int(m->w, PST_SUIT_PARAM_URI);
	put_uri(m, form_letter[TAGGED], n, false);
	count++;
	if (!m->shared)
		count += put_plain(m, PST_SUIT_DIR_FETCH, 15);
	return count + put_plain(m, PST_SUIT_COND_CHECK_CONTENT, 15);
}

/* Copy from another component, perhaps decrypting. */
static size_t
put_copy(struct making *m, const uint8_t *g)
{
	bool decrypt = g[3] % 3 == 0, digest = g[3] & 0x20;
	size_t count = put_index(m, g[1] % m->count);

	pst_cbor_put_int(m->w, PST_SUIT_DIR_OVERRIDE_PARAMETERS);
	pst_cbor_put_map(m->w, 1u + decrypt + digest);
	if (digest) {
		pst_cbor_put_int(m->w, PST_SUIT_PARAM_IMAGE_DIGEST);
		put_digest_of(m, payload(g[5] % (2 * PLAIN)), false, false);
	}
	if (decrypt) {
		pst_cbor_put_int(m->w, PST_SUIT_PARAM_ENCRYPTION_INFO);
		pst_cbor_put_bstr(m->w, infos[g[4] % 2]);
	}
	pst_cbor_put_int(m->w, PST_SUIT_PARAM_SOURCE_COMPONENT);
	pst_cbor_put_uint(m->w, g[2] % m->count);
	count++;
	if (!m->shared)
		count += put_plain(m,
		    g[6] % 4 == 3 ? PST_SUIT_DIR_SWAP : PST_SUIT_DIR_COPY, 15);
	if (g[6] % 4 == 1)
		count += put_plain(m, PST_SUIT_COND_IMAGE_MATCH, 15);
	return count;
}

/* Index of dependency n, which stands after the other components. */
static uint32_t
dependency_index(const struct making *m, uint32_t n)
{
	uint32_t i;

	for (i = 0; i < m->count; i++)
		if (m->letters[i] == 4 + n)
			return i;
	return 0;
}

/* All that a dependency needs in one section. */
static size_t
put_dependency(struct making *m, uint32_t n, const uint8_t *g, bool fetch)
{
	size_t count = put_index(m, dependency_index(m, n));

	pst_cbor_put_int(m->w, PST_SUIT_DIR_OVERRIDE_PARAMETERS);
	pst_cbor_put_map(m->w, 2);
	pst_cbor_put_int(m->w, PST_SUIT_PARAM_IMAGE_DIGEST);
	put_digest_manifest(m, g[3] > 248 ? 3 - n : n, g[3] % 16 == 3);
	pst_cbor_put_int(m->w, PST_SUIT_PARAM_URI);
	put_uri(m, 'm', g[4] > 250 ? 3 - n : n, g[4] & 1);
	count++;
	if (m->shared)
		return count;
	if (fetch)
		count += put_plain(m, PST_SUIT_DIR_FETCH, g[5] % 16);
	if (g[6] % 8 == 0)
		count += put_plain(m, PST_SUIT_COND_IMAGE_MATCH, 15);
	if (g[6] % 32 != 8)
		count += put_plain(m, PST_SUIT_COND_DEPENDENCY_INTEGRITY, 15);
	return count + put_plain(m, PST_SUIT_DIR_PROCESS_DEPENDENCY, 15);
}

static void put_sequence(struct making *m, int depth);

/* One or more sequences in a sequence. */
static size_t
put_nested(struct making *m, const uint8_t *g, int depth)
{
	bool each = g[1] & 1;
	size_t n = each ? 2u + g[2] % 2 : 1, i, mark;
	uint32_t present = m->present;

	pst_cbor_put_int(
	    m->w, each ? PST_SUIT_DIR_TRY_EACH : PST_SUIT_DIR_RUN_SEQUENCE);
	if (each)
		pst_cbor_put_array(m->w, n + (g[3] & 1));
	for (i = 0; i < n; i++) {
		mark = pst_cbor_wrap_begin(m->w);
		m->present = present;
		put_sequence(m, depth + 1);
		pst_cbor_wrap_bstr(m->w, mark);
	}
	if (each && (g[3] & 1))
		pst_cbor_put_null(m->w);
	m->present = present;
	return 1;
}

static size_t
put_multiple(struct making *m, const uint8_t *g)
{
	uint32_t a = g[7] % m->count, b = m->count - 1;

	pst_cbor_put_int(m->w, PST_SUIT_DIR_OVERRIDE_MULTIPLE);
	pst_cbor_put_map(m->w, a < b ? 2 : 1);
	pst_cbor_put_uint(m->w, a);
	m->present = 1u << a;
	put_parameters(m, g);
	if (a < b) {
		pst_cbor_put_uint(m->w, b);
		m->present = 1u << b;
		put_parameters(m, g);
	}
	return 1;
}

static size_t
put_copy_params(struct making *m, const uint8_t *g)
{
	static const int64_t labels[] = { 3, 14, 18, 19, 21, 22 };
	uint32_t from = g[1] % m->count;

	pst_cbor_put_int(m->w, PST_SUIT_DIR_COPY_PARAMS);
	pst_cbor_put_map(m->w, 1);
	pst_cbor_put_uint(m->w, from);
	pst_cbor_put_array(m->w, 1u + (g[3] & 1));
	pst_cbor_put_int(m->w, labels[g[2] % 6]);
	if (g[3] & 1)
		pst_cbor_put_int(m->w, labels[g[4] % 6]);
	say_copied(m, from);
	return 1;
}

/* Any other command, with an argument that it may have. */
static size_t
put_other(struct making *m, const uint8_t *g)
{
	static const int64_t ids_[] = { 3, 3, 21, 18, 22, 31, 6, 7, 11, 33, 23,
		25, 8, 1, 2, 24, 4, 5, 26, 27, 28, 29, 14, 6, 3, 22, 13, 40 };
	size_t n = sizeof(ids_) / sizeof(ids_[0]);

	/* Those of the end are not known. */
	if (g[1] == 255)
		return put_plain(m, -300, g[2]);
	return put_plain(m, ids_[g[1] % (g[2] > 250 ? n : n - 2)],
	    g[2] == 99 ? 16 : g[3] % 16);
}

static size_t
put_set(struct making *m, const uint8_t *g)
{
	pst_cbor_put_int(m->w,
	    g[7] & 1 ? PST_SUIT_DIR_SET_PARAMETERS
		     : PST_SUIT_DIR_OVERRIDE_PARAMETERS);
	put_parameters(m, g);
	return 1;
}

static size_t
put_command(struct making *m, const uint8_t *g, int depth)
{
	uint32_t n = 1 + (g[1] & 1);

	switch (g[0] % 16) {
	case 0:
	case 1:
	case 2:
	case 3:
		return put_fill(m, g);
	case 4:
	case 5:
		return put_copy(m, g);
	case 6:
	case 7:
		return put_set(m, g);
	case 8:
		return put_any_index(m, g);
	case 9:
		if (depth < DEPTH_MAX)
			return put_nested(m, g, depth);
		return put_other(m, g);
	case 10:
		return put_multiple(m, g);
	case 11:
		return put_copy_params(m, g);
	case 13:
		return put_check(m, g);
	case 12:
		if (m->depends >> n & 1)
			return put_dependency(m, n, g, g[5] & 1);
		return put_other(m, g);
	default:
		return put_other(m, g);
	}
}

/* As many genes as the first one says. */
static void
put_commands(struct making *m, int depth, size_t count, size_t mark)
{
	const uint8_t *g = gene(m->p);
	size_t i, n = depth == 0 ? g[0] % COMMANDS : 1 + g[0] % 3;

	for (i = 0; i < n && !m->p->over; i++)
		count += put_command(m, gene(m->p), depth);
	if (count == 0)
		count = put_index(m, 0);
	pst_cbor_wrap_array(m->w, mark, 2 * count);
}

static void
put_sequence(struct making *m, int depth)
{
	put_commands(m, depth, 0, pst_cbor_wrap_begin(m->w));
}

/* A sequence of the manifest: what its dependencies need comes first. */
static void
put_section(struct making *m, bool fetch)
{
	const uint8_t *g = gene(m->p);
	size_t bstr = pst_cbor_wrap_begin(m->w);
	size_t mark = pst_cbor_wrap_begin(m->w), count = 0;
	uint32_t n;

	m->present = 1;
	if (m->count > 1 && g[1] != 255)
		count = put_index(m, g[1] % m->count);
	for (n = 1; n < MANIFESTS; n++)
		if (m->depends >> n & 1 && g[2] < 250)
			count += put_dependency(m, n, g, fetch || g[7] > 200);
	put_commands(m, 0, count, mark);
	pst_cbor_wrap_bstr(m->w, bstr);
}

/* --- manifests --------------------------------------------------------------
 */

static const uint8_t section_labels[] = { PST_SUIT_VALIDATE, PST_SUIT_LOAD,
	PST_SUIT_INVOKE, PST_SUIT_DEPENDENCY_RESOLUTION, PST_SUIT_PAYLOAD_FETCH,
	PST_SUIT_CANDIDATE_VERIFICATION, PST_SUIT_INSTALL, PST_SUIT_UNINSTALL };
enum { SECTIONS = sizeof(section_labels) };

static void
put_dependencies(struct making *m)
{
	uint32_t n, count = 0;

	for (n = 1; n < MANIFESTS; n++)
		count += m->depends >> n & 1;
	if (count == 0)
		return;
	pst_cbor_put_uint(m->w, PST_SUIT_DEPENDENCIES);
	pst_cbor_put_map(m->w, count);
	for (n = 1; n < MANIFESTS; n++) {
		if (!(m->depends >> n & 1))
			continue;
		pst_cbor_put_uint(m->w, dependency_index(m, n));
		if (m->p->header[7] >> n & 1) {
			pst_cbor_put_map(m->w, 1);
			pst_cbor_put_uint(m->w, 1);
			pst_cbor_put_raw(m->w,
			    PST_BYTES_LIT("\x81\x41"
					  "p"));
		} else {
			pst_cbor_put_map(m->w, 0);
		}
	}
}

static void
put_common(struct making *m)
{
	size_t mark = pst_cbor_wrap_begin(m->w);
	bool shared = m->p->header[7] >> (3 + m->number) & 1;
	uint32_t i;

	pst_cbor_put_map(m->w, 1u + (m->depends != 0) + shared);
	put_dependencies(m);
	pst_cbor_put_uint(m->w, PST_SUIT_COMPONENTS);
	pst_cbor_put_array(m->w, m->count);
	for (i = 0; i < m->count; i++)
		pst_cbor_put_raw(m->w, program_id(m->letters[i]));
	if (shared) {
		pst_cbor_put_uint(m->w, PST_SUIT_SHARED_SEQUENCE);
		m->shared = true;
		put_section(m, false);
		m->shared = false;
	}
	pst_cbor_wrap_bstr(m->w, mark);
}

static void
put_manifest(struct making *m)
{
	uint32_t i, count = 0;
	uint32_t first = 4; /* dependencies are fetched here, if at all */

	for (i = 0; i < SECTIONS; i++)
		count += m->sections >> i & 1;
	pst_cbor_put_map(m->w, 3 + count);
	put_plain(m, PST_SUIT_VERSION, 1);
	put_plain(m, PST_SUIT_SEQUENCE, 1);
	pst_cbor_put_uint(m->w, PST_SUIT_COMMON);
	put_common(m);
	if (m->sections >> 3 & 1)
		first = 3;
	else if (!(m->sections >> 4 & 1))
		first = m->sections >> 6 & 1 ? 6 : 0;
	for (i = 0; i < SECTIONS; i++) {
		if (!(m->sections >> i & 1))
			continue;
		pst_cbor_put_uint(m->w, section_labels[i]);
		put_section(m, i == first);
	}
}

/* Some payloads travel in every envelope, and its dependencies. */
static void
put_integrated(struct making *m)
{
	uint32_t n;

	for (n = 0; n < MANIFESTS; n++) {
		if (!(m->depends >> n & 1))
			continue;
		put_uri(m, 'm', n, true);
		pst_cbor_put_bstr(m->w, m->p->made[n]);
	}
	put_uri(m, 'p', 3, true);
	pst_cbor_put_bstr(m->w, payloads[CLEAR][3]);
	put_uri(m, 'g', 3, true);
	pst_cbor_put_bstr(m->w, payloads[TAGGED][3]);
	put_uri(m, 'c', 2, true);
	pst_cbor_put_bstr(m->w, payloads[UNTAGGED][2]);
}

/* The envelope around a manifest, without a signature. */
static void
put_envelope(struct making *m, struct pst_bytes manifest)
{
	struct program *p = m->p;
	struct pst_suit_digest d = { PST_ALG_SHA256,
		{ p->digest[m->number], 0 } };
	size_t outer, inner, len;

	(void)!port.digest(
	    NULL, PST_ALG_SHA512, &manifest, 1, p->digest512[m->number], &len);
	(void)!port.digest(
	    NULL, d.alg, &manifest, 1, p->digest[m->number], &d.bytes.len);
	pst_cbor_put_map(
	    m->w, 5u + (m->depends >> 1 & 1) + (m->depends >> 2 & 1));
	pst_cbor_put_uint(m->w, PST_SUIT_AUTHENTICATION);
	outer = pst_cbor_wrap_begin(m->w);
	pst_cbor_put_array(m->w, 1);
	inner = pst_cbor_wrap_begin(m->w);
	pst_suit_digest_put(m->w, &d);
	pst_cbor_wrap_bstr(m->w, inner);
	pst_cbor_wrap_bstr(m->w, outer);
	pst_cbor_put_uint(m->w, PST_SUIT_MANIFEST);
	pst_cbor_put_raw(m->w, manifest);
	put_integrated(m);
}

static bool
make(struct making *m)
{
	static uint8_t manifest[ENVELOPE_MAX], unsigned_[ENVELOPE_MAX];
	struct pst_cbor_writer w, e, s;
	struct pst_suit_envelope env;
	uint8_t *out = m->p->envelope[m->number];
	size_t mark;

	m->w = &w;
	pst_cbor_writer_init(&w, manifest, sizeof(manifest));
	mark = pst_cbor_wrap_begin(&w);
	put_manifest(m);
	pst_cbor_wrap_bstr(&w, mark);
	if (w.err != PST_OK)
		return false;
	m->w = &e;
	pst_cbor_writer_init(&e, unsigned_, sizeof(unsigned_));
	put_envelope(m, pst_cbor_written(&w));
	if (e.err != PST_OK)
		return false;
	MUST(pst_suit_envelope_decode(pst_cbor_written(&e), &env, NULL) ==
	    PST_OK);
	pst_cbor_writer_init(&s, out, ENVELOPE_MAX);
	if (pst_suit_sign(&s, &env, &port, PST_TAG_SIGN1, &port_signer, 1) !=
	    PST_OK)
		return false;
	m->p->made[m->number] = pst_cbor_written(&s);
	return true;
}

/* Who depends on whom: nobody, one, two, a chain, a diamond. */
static uint32_t
depends(const uint8_t *h, uint32_t number)
{
	static const uint8_t root[] = { 0, 2, 6, 2, 6 };
	uint32_t shape = h[0] % 5;

	if (number == 0)
		return root[shape];
	return number == 1 && shape >= 3 ? 4 : 0;
}

static bool
one(struct program *p, uint32_t number)
{
	const uint8_t *h = p->header;
	struct making m = {
		.p = p, .number = number, .depends = depends(h, number)
	};
	uint32_t i, n = 1 + (h[1 + number] & 3);

	m.sections = h[4] & (h[12] & 1 ? h[15] | 1 : 0xff);
	/* A dependent has what its dependency has, as a rule. */
	if (number > 0)
		m.sections &= h[8 + number];
	if (number > 0 && h[12] > 250)
		m.sections = h[8 + number];
	for (i = 0; i < n; i++)
		m.letters[m.count++] =
		    (uint8_t)((i + (h[1 + number] >> 4)) % 5);
	for (i = 1; i < MANIFESTS; i++)
		if (m.depends >> i & 1)
			m.letters[m.count++] = (uint8_t)(4 + i);
	return make(&m);
}

bool
program_make(struct program *p, struct pst_bytes bytes)
{
	static const uint8_t none[2 * GENE];
	bool made;

	if (payloads[CLEAR][1].ptr == NULL)
		make_payloads();
	p->genes = bytes;
	p->over = p->full = false;
	p->said_count = p->copied_count = 0;
	memset(p->made, 0, sizeof(p->made));
	memset(p->digest, 0, sizeof(p->digest));
	memset(p->digest512, 0, sizeof(p->digest512));
	p->header = none;
	if (bytes.len >= sizeof(none)) {
		p->header = bytes.ptr;
		p->genes.ptr += sizeof(none);
		p->genes.len -= sizeof(none);
	}
	made = one(p, 2) && one(p, 1) && one(p, 0);
	close_copied(p);
	return made;
}
