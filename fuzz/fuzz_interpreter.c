/*
 * The interpreter, with a mutator that knows the grammar. An input is a tape
 * of choices, from which a valid envelope around random command sequences is
 * written (trees too: a dependency that travels in the envelope), or, after a
 * first byte of 255, an envelope as it is. Signatures are left out and digests
 * are a toy, so that the maker of the tape knows them.
 *
 * The invariant: a run ends with an error, or with a state that matches the
 * digests. Each component that holds something has, and this is looked for in
 * what the digests authenticate, content that stands there for `write` or
 * check-content, or whose digest stands there, or, for a dependency, whose
 * manifest's digest stands there. How payloads are cut changes nothing.
 */
#include <postern/suit.h>
#include <string.h>

#include "fuzz.h"
#include "tests/unit/suit/world.h"

enum {
	RAW = 255,
	COMPONENTS = 4,
	DEPENDENCY = 3, /* component of the root, if it has one */
	NEST_MAX = 3,
	ROOM = 1 << 15,
	HASHES = 8,
	PAYLOADS = 4
};

/* Of libFuzzer; a replay has none and mutates nothing. */
__attribute__((weak)) size_t
LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max);
size_t LLVMFuzzerCustomMutator(
    uint8_t *data, size_t size, size_t max, unsigned int seed);

/* --- a digest that is no digest ---------------------------------------- */

struct toy {
	bool used;
	int32_t alg;
	uint64_t lane[8];
};

static struct toy hashes[HASHES];

static void
toy_begin(struct toy *t, int32_t alg)
{
	size_t i;

	t->used = true;
	t->alg = alg;
	for (i = 0; i < 8; i++)
		t->lane[i] = 0xcbf29ce484222325 + i * 0x9e3779b97f4a7c15;
}

static void
toy_update(struct toy *t, struct pst_bytes in)
{
	size_t i, k;

	for (i = 0; i < in.len; i++) {
		for (k = 0; k < 8; k++)
			t->lane[k] = (t->lane[k] ^ in.ptr[i]) * 0x100000001b3 +
			    (uint64_t)k;
	}
}

static void
toy_end(struct toy *t, uint8_t *out, size_t *len)
{
	*len = t->alg == PST_ALG_SHA256 || t->alg == PST_ALG_SHAKE128 ? 32
	    : t->alg == PST_ALG_SHA384				      ? 48
								      : 64;
	memcpy(out, t->lane, *len);
	t->used = false;
}

static void
toy_digest(struct pst_bytes in, uint8_t out[32])
{
	struct toy t;
	size_t len;

	toy_begin(&t, PST_ALG_SHA256);
	toy_update(&t, in);
	toy_end(&t, out, &len);
}

static enum pst_err
digest(void *ctx, int32_t alg, const struct pst_bytes *parts, size_t n,
    uint8_t *out, size_t *len)
{
	struct toy t;
	size_t i;

	(void)ctx;
	toy_begin(&t, alg);
	for (i = 0; i < n; i++)
		toy_update(&t, parts[i]);
	toy_end(&t, out, len);
	return PST_OK;
}

static enum pst_err
hash_begin(void *ctx, int32_t alg, uint32_t *handle)
{
	uint32_t i;

	(void)ctx;
	for (i = 0; i < HASHES && hashes[i].used; i++)
		;
	if (i == HASHES)
		return PST_ERR_LIMIT;
	toy_begin(&hashes[i], alg);
	*handle = i;
	return PST_OK;
}

static enum pst_err
hash_update(void *ctx, uint32_t handle, struct pst_bytes chunk)
{
	(void)ctx;
	MUST(handle < HASHES && hashes[handle].used);
	toy_update(&hashes[handle], chunk);
	return PST_OK;
}

static enum pst_err
hash_end(void *ctx, uint32_t handle, uint8_t *out, size_t *len)
{
	(void)ctx;
	MUST(handle < HASHES && hashes[handle].used);
	if (out == NULL)
		hashes[handle].used = false;
	else
		toy_end(&hashes[handle], out, len);
	return PST_OK;
}

static bool
supports(void *ctx, int32_t alg)
{
	(void)ctx;
	return alg == PST_ALG_SHA256 || alg == PST_ALG_SHA384;
}

static const struct pst_crypto crypto = { .supports = supports,
	.digest = digest,
	.hash_begin = hash_begin,
	.hash_update = hash_update,
	.hash_end = hash_end };

/* --- the grammar -------------------------------------------------------- */

struct tape {
	struct pst_bytes in;
	size_t at;
	uint8_t dependency[32]; /* digest of its manifest */
	uint64_t dependency_bytes;
	bool root;
};

/* A choice out of n; the first once the tape has ended. */
static uint32_t
pick(struct tape *t, uint32_t n)
{
	if (t->at >= t->in.len)
		return 0;
	return t->in.ptr[t->at++] % n;
}

static const char *const CONTENTS[PAYLOADS] = { "nought", "one payload",
	"the second payload, longer", "3" };
static const char *const URIS[PAYLOADS + 2] = { "http://a/0", "http://a/1",
	"#p2", "#p3", "#d", "http://a/none" };

static struct pst_bytes
text(const char *s)
{
	return (struct pst_bytes){ (const uint8_t *)s, strlen(s) };
}

static void
put_digest(struct pst_cbor_writer *w, const uint8_t bytes[32])
{
	size_t mark = pst_cbor_wrap_begin(w);

	pst_cbor_put_array(w, 2);
	pst_cbor_put_int(w, PST_ALG_SHA256);
	pst_cbor_put_bstr(w, (struct pst_bytes){ bytes, 32 });
	pst_cbor_wrap_bstr(w, mark);
}

static void
put_payload_digest(struct pst_cbor_writer *w, struct tape *t, uint32_t n)
{
	uint8_t bytes[32];

	pst_cbor_put_uint(w, PST_SUIT_PARAM_IMAGE_DIGEST);
	if (n >= PAYLOADS)
		memcpy(bytes, t->dependency, 32);
	else
		toy_digest(text(CONTENTS[n]), bytes);
	put_digest(w, bytes);
}

static uint64_t
payload_bytes(const struct tape *t, uint32_t n)
{
	return n >= PAYLOADS ? t->dependency_bytes : strlen(CONTENTS[n]);
}

static void
put_parameter(struct pst_cbor_writer *w, struct tape *t, uint32_t which)
{
	static const uint8_t uuid[16] = { 1 };
	uint32_t n = pick(t, PAYLOADS + 1);

	switch (which) {
	case 0:
		put_payload_digest(w, t, n);
		break;
	case 1:
		pst_cbor_put_uint(w, PST_SUIT_PARAM_IMAGE_SIZE);
		pst_cbor_put_uint(w, payload_bytes(t, n));
		break;
	case 2:
		pst_cbor_put_uint(w, PST_SUIT_PARAM_CONTENT);
		pst_cbor_put_bstr(w, text(CONTENTS[n % PAYLOADS]));
		break;
	case 3:
		pst_cbor_put_uint(w, PST_SUIT_PARAM_URI);
		pst_cbor_put_tstr(w, text(URIS[pick(t, PAYLOADS + 2)]));
		break;
	case 4:
		pst_cbor_put_uint(w, PST_SUIT_PARAM_SOURCE_COMPONENT);
		pst_cbor_put_uint(w, pick(t, COMPONENTS + 1));
		break;
	case 5:
		pst_cbor_put_uint(w, PST_SUIT_PARAM_STRICT_ORDER);
		pst_cbor_put_bool(w, n & 1);
		break;
	case 6:
		pst_cbor_put_uint(w, PST_SUIT_PARAM_SOFT_FAILURE);
		pst_cbor_put_bool(w, n & 1);
		break;
	case 7:
		pst_cbor_put_uint(w, PST_SUIT_PARAM_COMPONENT_SLOT);
		pst_cbor_put_uint(w, n);
		break;
	default:
		pst_cbor_put_uint(w, PST_SUIT_PARAM_VENDOR);
		pst_cbor_put_bstr(w, (struct pst_bytes){ uuid, 16 });
	}
}
enum { PARAMETERS = 9 };

/* Each parameter at most once: the tape says which. */
static void
put_parameters(struct pst_cbor_writer *w, struct tape *t)
{
	uint32_t set = pick(t, 256) | (pick(t, 2) << 8), i;
	size_t mark = pst_cbor_wrap_begin(w), n = 0;

	for (i = 0; i < PARAMETERS; i++) {
		if ((set >> i & 1) == 0)
			continue;
		put_parameter(w, t, i);
		n++;
	}
	if (n == 0) {
		put_parameter(w, t, 0);
		n = 1;
	}
	pst_cbor_wrap_map(w, mark, n);
}

static size_t put_sequence(
    struct pst_cbor_writer *w, struct tape *t, unsigned int nest, bool shared);

static void
put_nested(
    struct pst_cbor_writer *w, struct tape *t, unsigned int nest, bool shared)
{
	size_t mark = pst_cbor_wrap_begin(w);

	(void)put_sequence(w, t, nest + 1, shared);
	pst_cbor_wrap_bstr(w, mark);
}

static void
put_index(struct pst_cbor_writer *w, struct tape *t)
{
	pst_cbor_put_uint(w, PST_SUIT_DIR_SET_COMPONENT_INDEX);
	switch (pick(t, 6)) {
	case 4:
		pst_cbor_put_bool(w, true);
		break;
	case 5:
		pst_cbor_put_array(w, 2);
		pst_cbor_put_uint(w, pick(t, COMPONENTS));
		pst_cbor_put_uint(w, pick(t, COMPONENTS));
		break;
	default:
		pst_cbor_put_uint(w, pick(t, COMPONENTS + 1));
	}
}

/* What a manifest usually does: 4 commands that succeed. */
static size_t
put_recipe(struct pst_cbor_writer *w, struct tape *t)
{
	uint32_t n = pick(t, PAYLOADS + (t->root ? 1 : 0));
	uint32_t component =
	    n >= PAYLOADS ? (uint32_t)DEPENDENCY : pick(t, COMPONENTS - 1);

	pst_cbor_put_uint(w, PST_SUIT_DIR_SET_COMPONENT_INDEX);
	pst_cbor_put_uint(w, component);
	pst_cbor_put_uint(w, PST_SUIT_DIR_OVERRIDE_PARAMETERS);
	pst_cbor_put_map(w, 3);
	put_payload_digest(w, t, n);
	pst_cbor_put_uint(w, PST_SUIT_PARAM_IMAGE_SIZE);
	pst_cbor_put_uint(w, payload_bytes(t, n));
	pst_cbor_put_uint(w, PST_SUIT_PARAM_URI);
	pst_cbor_put_tstr(w, text(URIS[n]));
	pst_cbor_put_uint(w, PST_SUIT_DIR_FETCH);
	pst_cbor_put_uint(w, 15);
	pst_cbor_put_uint(w,
	    n >= PAYLOADS ? PST_SUIT_COND_DEPENDENCY_INTEGRITY
			  : PST_SUIT_COND_IMAGE_MATCH);
	pst_cbor_put_uint(w, 15);
	if (n < PAYLOADS)
		return 4;
	pst_cbor_put_uint(w, PST_SUIT_DIR_PROCESS_DEPENDENCY);
	pst_cbor_put_uint(w, 15);
	return 5;
}

static void
put_try_each(
    struct pst_cbor_writer *w, struct tape *t, unsigned int nest, bool shared)
{
	uint32_t n = 2 + pick(t, 2), i;
	bool nil = pick(t, 2) != 0;

	pst_cbor_put_uint(w, PST_SUIT_DIR_TRY_EACH);
	pst_cbor_put_array(w, n + (nil ? 1 : 0));
	for (i = 0; i < n; i++)
		put_nested(w, t, nest, shared);
	if (nil)
		pst_cbor_put_null(w);
}

static void
put_policy_command(struct pst_cbor_writer *w, struct tape *t, bool shared)
{
	static const uint8_t any[] = { PST_SUIT_COND_VENDOR,
		PST_SUIT_COND_COMPONENT_SLOT, PST_SUIT_COND_IMAGE_MATCH,
		PST_SUIT_COND_CHECK_CONTENT, PST_SUIT_COND_IMAGE_NOT_MATCH,
		PST_SUIT_COND_IS_DEPENDENCY, PST_SUIT_COND_DEPENDENCY_INTEGRITY,
		PST_SUIT_COND_ABORT, PST_SUIT_DIR_FETCH, PST_SUIT_DIR_WRITE,
		PST_SUIT_DIR_COPY, PST_SUIT_DIR_SWAP, PST_SUIT_DIR_UNLINK,
		PST_SUIT_DIR_INVOKE, PST_SUIT_DIR_PROCESS_DEPENDENCY,
		PST_SUIT_COND_CLASS };

	pst_cbor_put_uint(w, any[pick(t, shared ? 8 : sizeof(any))]);
	pst_cbor_put_uint(w, pick(t, 16));
}

/* One command or a recipe; returns how many commands. */
static size_t
put_command(
    struct pst_cbor_writer *w, struct tape *t, unsigned int nest, bool shared)
{
	switch (pick(t, 12)) {
	case 0:
	case 1:
		if (!shared)
			return put_recipe(w, t);
		put_index(w, t);
		return 1;
	case 2:
	case 3:
		put_index(w, t);
		return 1;
	case 4:
		pst_cbor_put_uint(w, PST_SUIT_DIR_SET_PARAMETERS);
		put_parameters(w, t);
		return 1;
	case 5:
	case 6:
		pst_cbor_put_uint(w, PST_SUIT_DIR_OVERRIDE_PARAMETERS);
		put_parameters(w, t);
		return 1;
	case 7:
		if (nest < NEST_MAX) {
			put_try_each(w, t, nest, shared);
			return 1;
		}
		put_index(w, t);
		return 1;
	case 8:
		if (nest < NEST_MAX) {
			pst_cbor_put_uint(w, PST_SUIT_DIR_RUN_SEQUENCE);
			put_nested(w, t, nest, shared);
			return 1;
		}
		put_index(w, t);
		return 1;
	default:
		put_policy_command(w, t, shared);
		return 1;
	}
}

static size_t
put_sequence(
    struct pst_cbor_writer *w, struct tape *t, unsigned int nest, bool shared)
{
	uint32_t n = 1 + pick(t, nest == 0 ? 8 : 4), i;
	size_t mark = pst_cbor_wrap_begin(w), commands = 0;

	for (i = 0; i < n; i++)
		commands += put_command(w, t, nest, shared);
	pst_cbor_wrap_array(w, mark, 2 * commands);
	return commands;
}

static void
put_common(struct pst_cbor_writer *w, struct tape *t)
{
	size_t mark = pst_cbor_wrap_begin(w), inner;
	bool shared = pick(t, 2) != 0;
	uint8_t i;

	pst_cbor_put_map(w, 1u + t->root + shared);
	if (t->root) {
		pst_cbor_put_uint(w, PST_SUIT_DEPENDENCIES);
		pst_cbor_put_map(w, 1);
		pst_cbor_put_uint(w, DEPENDENCY);
		pst_cbor_put_map(w, 0);
	}
	pst_cbor_put_uint(w, PST_SUIT_COMPONENTS);
	pst_cbor_put_array(w, COMPONENTS);
	for (i = 0; i < COMPONENTS; i++) {
		/* a dependency has two components of its own */
		uint8_t id = (uint8_t)(t->root || i < 2 ? i : i + 10);

		pst_cbor_put_array(w, 1);
		pst_cbor_put_bstr(w, (struct pst_bytes){ &id, 1 });
	}
	if (shared) {
		pst_cbor_put_uint(w, PST_SUIT_SHARED_SEQUENCE);
		inner = pst_cbor_wrap_begin(w);
		(void)put_sequence(w, t, 0, true);
		pst_cbor_wrap_bstr(w, inner);
	}
	pst_cbor_wrap_bstr(w, mark);
}

static void
put_manifest(struct pst_cbor_writer *w, struct tape *t)
{
	static const uint8_t sections[] = { PST_SUIT_VALIDATE, PST_SUIT_LOAD,
		PST_SUIT_INVOKE, PST_SUIT_DEPENDENCY_RESOLUTION,
		PST_SUIT_PAYLOAD_FETCH, PST_SUIT_INSTALL, PST_SUIT_UNINSTALL };
	uint32_t set = 1u << 5 | pick(t, 128), i;
	size_t outer = pst_cbor_wrap_begin(w), map, mark, n = 3;

	map = pst_cbor_wrap_begin(w);
	pst_cbor_put_uint(w, PST_SUIT_VERSION);
	pst_cbor_put_uint(w, 1);
	pst_cbor_put_uint(w, PST_SUIT_SEQUENCE);
	pst_cbor_put_uint(w, 1);
	pst_cbor_put_uint(w, PST_SUIT_COMMON);
	put_common(w, t);
	for (i = 0; i < sizeof(sections); i++) {
		if ((set >> i & 1) == 0)
			continue;
		pst_cbor_put_uint(w, sections[i]);
		mark = pst_cbor_wrap_begin(w);
		(void)put_sequence(w, t, 0, false);
		pst_cbor_wrap_bstr(w, mark);
		n++;
	}
	pst_cbor_wrap_map(w, map, n);
	pst_cbor_wrap_bstr(w, outer);
}

/* An envelope around a manifest, with what is integrated. */
static struct pst_bytes
put_envelope(uint8_t *out, struct pst_bytes manifest, struct pst_bytes inner)
{
	struct pst_cbor_writer w;
	uint8_t bytes[32];
	size_t mark;

	toy_digest(manifest, bytes);
	pst_cbor_writer_init(&w, out, ROOM);
	pst_cbor_put_tag(&w, PST_TAG_SUIT_ENVELOPE);
	pst_cbor_put_map(&w, inner.len > 0 ? 5 : 4);
	pst_cbor_put_uint(&w, PST_SUIT_AUTHENTICATION);
	mark = pst_cbor_wrap_begin(&w);
	pst_cbor_put_array(&w, 1);
	put_digest(&w, bytes);
	pst_cbor_wrap_bstr(&w, mark);
	pst_cbor_put_uint(&w, PST_SUIT_MANIFEST);
	pst_cbor_put_raw(&w, manifest);
	pst_cbor_put_tstr(&w, text("#p2"));
	pst_cbor_put_bstr(&w, text(CONTENTS[2]));
	/* and one that is not what its digest says */
	pst_cbor_put_tstr(&w, text("#p3"));
	pst_cbor_put_bstr(&w, text("4"));
	if (inner.len > 0) {
		pst_cbor_put_tstr(&w, text("#d"));
		pst_cbor_put_bstr(&w, inner);
	}
	return pst_cbor_written(&w);
}

static struct pst_bytes
make(struct pst_bytes choices)
{
	static uint8_t manifest[ROOM], inner[ROOM], outer[ROOM];
	struct tape t = { choices, 0, { 0 }, 0, false };
	struct pst_bytes dependency = { NULL, 0 };
	struct pst_cbor_writer w;

	if (pick(&t, 2) != 0) {
		pst_cbor_writer_init(&w, manifest, sizeof(manifest));
		put_manifest(&w, &t);
		dependency =
		    put_envelope(inner, pst_cbor_written(&w), dependency);
		toy_digest(pst_cbor_written(&w), t.dependency);
		t.dependency_bytes = dependency.len;
		t.root = dependency.len > 0;
	}
	pst_cbor_writer_init(&w, manifest, sizeof(manifest));
	put_manifest(&w, &t);
	return put_envelope(outer, pst_cbor_written(&w), dependency);
}

size_t
LLVMFuzzerCustomMutator(
    uint8_t *data, size_t size, size_t max, unsigned int seed)
{
	struct pst_bytes made;

	/* Now and then a tape becomes its envelope, and bytes of that change.
	 */
	if (size > 0 && data[0] != RAW && seed % 32 == 0) {
		made = make((struct pst_bytes){ data, size });
		if (made.len > 0 && made.len < max) {
			memcpy(data + 1, made.ptr, made.len);
			data[0] = RAW;
			size = made.len + 1;
		}
	}
	if (size > 1 && data[0] == RAW)
		return 1 + LLVMFuzzerMutate(data + 1, size - 1, max - 1);
	size = LLVMFuzzerMutate(data, size, max);
	if (size > 0 && data[0] == RAW)
		data[0] = 1;
	return size;
}

/* --- the model ---------------------------------------------------------- */

static bool
occurs(struct pst_bytes what, struct pst_bytes in)
{
	return memmem(in.ptr, in.len, what.ptr, what.len) != NULL;
}

/* Bytes that are authentic: manifests, the root's and those that travel. */
struct authority {
	struct pst_bytes text[16];
	size_t count;
};

/* What the manifest's digest covers, and severed members, whose digests do. */
static void
gather(struct authority *a, const struct pst_suit_envelope *env)
{
	struct pst_cbor_reader r;
	struct pst_bytes key, value, content;
	struct pst_suit_envelope inner;
	uint32_t i;

	if (a->count + 1 < 16)
		a->text[a->count++] = env->manifest_bstr;
	pst_cbor_reader_init(&r, env->members);
	for (i = 0; i < env->member_count && pst_cbor_ok(&r); i++) {
		key = pst_cbor_item(&r);
		value = pst_cbor_item(&r);
		if (key.len == 0 || a->count + 1 >= 16)
			continue;
		if (key.ptr[0] >> 5 != PST_CBOR_TSTR) {
			if (key.ptr[0] > PST_SUIT_MANIFEST)
				a->text[a->count++] = value;
			continue;
		}
		{
			struct pst_cbor_reader v;

			pst_cbor_reader_init(&v, value);
			content = pst_cbor_bstr(&v, 0, SIZE_MAX);
		}
		if (pst_suit_envelope_decode(content, &inner, NULL) == PST_OK)
			a->text[a->count++] = inner.manifest_bstr;
	}
}

static bool
demanded(const struct authority *a, struct pst_bytes content)
{
	struct pst_suit_envelope env;
	uint8_t whole[64], manifest[64];
	struct pst_bytes w32 = { whole, 32 }, m32 = { manifest, 32 };
	bool is_envelope =
	    pst_suit_envelope_decode(content, &env, NULL) == PST_OK;
	size_t i;

	toy_digest(content, whole);
	if (is_envelope)
		toy_digest(env.manifest_bstr, manifest);
	for (i = 0; i < a->count; i++) {
		if (occurs(content, a->text[i]) || occurs(w32, a->text[i]) ||
		    (is_envelope && occurs(m32, a->text[i])))
			return true;
	}
	return false;
}

static enum pst_err (*world_unlink)(
    void *ctx, const struct pst_suit_manifest *m, struct pst_bytes name);

/* What is unlinked is not there any more. */
static enum pst_err
unlink_and_drop(
    void *ctx, const struct pst_suit_manifest *m, struct pst_bytes name)
{
	world_find(ctx, name)->present = false;
	return world_unlink(ctx, m, name);
}

static enum pst_err
run(struct world *w, const struct pst_suit_manifest *m, size_t chunk)
{
	static const int all[] = { 15, 16, 18, 20, 7, 8, 9, 24, 0 };
	enum pst_err err;
	size_t i;

	world_init(w);
	world_unlink = w->host.unlink;
	w->host.unlink = unlink_and_drop;
	w->chunk = chunk;
	w->read_max = chunk;
	for (i = 0; i < 2; i++)
		world_serve(w, URIS[i], text(CONTENTS[i]));
	/* nobody said that this is right */
	w->serve_any = text("what an attacker serves");
	err = world_run(w, m, &crypto, all);
	for (i = 0; i < HASHES; i++)
		MUST(!hashes[i].used);
	MUST(err != PST_ERR_AGAIN);
	MUST((w->report.err == PST_OK) == (err == PST_OK));
	return err;
}

static void
state_matches(const struct world *w, const struct authority *a)
{
	struct pst_bytes content;
	size_t i;

	for (i = 0; i < w->count; i++) {
		content = (struct pst_bytes){ w->c[i].data, w->c[i].len };
		if (w->c[i].present)
			MUST(content.len == 0 || demanded(a, content));
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct world a, b;
	struct pst_bytes in = { data, size };
	struct pst_suit_envelope env;
	struct pst_suit_images images;
	struct pst_suit_manifest m;
	struct authority authority = { .count = 0 };
	uint8_t bytes[64];
	enum pst_err err;
	size_t i;

	if (size > 0 && data[0] == RAW)
		in = (struct pst_bytes){ data + 1, size - 1 };
	else
		in = make(in);
	if (pst_suit_envelope_decode(in, &env, NULL) != PST_OK)
		return 0;
	/* The signature is taken for granted. */
	if (env.digest.alg == PST_ALG_SHA256) {
		toy_digest(env.manifest_bstr, bytes);
		env.digest.bytes.ptr = bytes;
	}
	if (pst_suit_accept(&env, &crypto, &m, NULL) != PST_OK)
		return 0;
	(void)!pst_suit_manifest_images(&m, NULL, NULL, &images);
	gather(&authority, &env);
	err = run(&a, &m, 0);
	if (err == PST_OK)
		state_matches(&a, &authority);
	MUST(run(&b, &m, 1) == err);
	MUST(a.count == b.count);
	for (i = 0; i < a.count && err == PST_OK; i++) {
		MUST(a.c[i].len == b.c[i].len);
		MUST(a.c[i].len == 0 ||
		    memcmp(a.c[i].data, b.c[i].data, a.c[i].len) == 0);
	}
	world_free(&a);
	world_free(&b);
	return 0;
}
