/*
 * The structure of command sequences: which commands there are, and what
 * their arguments look like (draft-ietf-suit-manifest, Sections 8.4.5, 8.4.6;
 * draft-ietf-suit-trust-domains; draft-ietf-suit-update-management).
 */
#include "suit_run.h"

#define BIT(param) (1u << PST_SUIT_PARAM_##param)
/* What any command that fills a component goes by. */
#define FILL (BIT(IMAGE_DIGEST) | BIT(IMAGE_SIZE) | BIT(COMPONENT_METADATA))
/* And what any that decrypts does. */
#define SEALED (FILL | BIT(ENCRYPTION_INFO))

#define MANAGED PST_SUIT_WITH_UPDATE_MANAGEMENT
/* K known, S supported, P policy, C component, H shared sequence; then what
 * it takes. */
#define T(k, s, p, c, h, takes) \
	{ \
		k, s, p, c, h, takes \
	}
static const struct pst_suit_trait traits[] = {
	[PST_SUIT_COND_VENDOR] = T(1, 1, 1, 1, 1, BIT(VENDOR)),
	[PST_SUIT_COND_CLASS] = T(1, 1, 1, 1, 1, BIT(CLASS)),
	[PST_SUIT_COND_IMAGE_MATCH] = T(1, 1, 1, 1, 1, BIT(IMAGE_DIGEST)),
	[PST_SUIT_COND_USE_BEFORE] = T(1, MANAGED, 1, 1, 1, BIT(USE_BEFORE)),
	[PST_SUIT_COND_COMPONENT_SLOT] = T(1, 1, 1, 1, 1, BIT(COMPONENT_SLOT)),
	[PST_SUIT_COND_CHECK_CONTENT] = T(1, 1, 1, 1, 1, BIT(CONTENT)),
	[PST_SUIT_COND_DEPENDENCY_INTEGRITY] =
	    T(1, 1, 1, 1, 1, BIT(IMAGE_DIGEST)),
	[PST_SUIT_COND_IS_DEPENDENCY] = T(1, 1, 1, 1, 1, 0),
	[PST_SUIT_DIR_PROCESS_DEPENDENCY] = T(1, 1, 1, 1, 0, 0),
	[PST_SUIT_DIR_SET_COMPONENT_INDEX] = T(1, 1, 0, 0, 1, 0),
	[PST_SUIT_COND_ABORT] = T(1, 1, 1, 0, 1, 0),
	[PST_SUIT_DIR_TRY_EACH] = T(1, 1, 0, 0, 1, 0),
	[PST_SUIT_DIR_WRITE] = T(1, 1, 1, 1, 0, SEALED | BIT(CONTENT)),
	[PST_SUIT_DIR_SET_PARAMETERS] = T(1, 1, 0, 0, 1, 0),
	[PST_SUIT_DIR_OVERRIDE_PARAMETERS] = T(1, 1, 0, 0, 1, 0),
	[PST_SUIT_DIR_FETCH] = T(1, 1, 1, 1, 0, SEALED | BIT(FETCH_ARGUMENTS)),
	[PST_SUIT_DIR_COPY] = T(1, 1, 1, 1, 0, SEALED | BIT(SOURCE_COMPONENT)),
	[PST_SUIT_DIR_INVOKE] = T(1, 1, 1, 1, 0, BIT(INVOKE_ARGS)),
	[PST_SUIT_COND_DEVICE] = T(1, 1, 1, 1, 1, BIT(DEVICE)),
	[PST_SUIT_COND_IMAGE_NOT_MATCH] =
	    T(1, MANAGED, 1, 1, 1, BIT(IMAGE_DIGEST)),
	[PST_SUIT_COND_MINIMUM_BATTERY] =
	    T(1, MANAGED, 1, 1, 1, BIT(MINIMUM_BATTERY)),
	[PST_SUIT_COND_UPDATE_AUTHORIZED] =
	    T(1, MANAGED, 1, 1, 1, BIT(UPDATE_PRIORITY)),
	[PST_SUIT_COND_VERSION] = T(1, MANAGED, 1, 1, 1, BIT(VERSION)),
	[PST_SUIT_DIR_WAIT] = T(1, PST_SUIT_WITH_WAIT, 1, 1, 0, BIT(WAIT_INFO)),
	[PST_SUIT_DIR_SWAP] = T(1, PST_SUIT_WITH_SWAP, 1, 1, 0,
	    BIT(SOURCE_COMPONENT) | BIT(IMAGE_SIZE)),
	[PST_SUIT_DIR_RUN_SEQUENCE] = T(1, 1, 0, 0, 1, 0),
	[PST_SUIT_DIR_UNLINK] = T(1, 1, 1, 1, 0, 0),
	[PST_SUIT_DIR_OVERRIDE_MULTIPLE] = T(1, MANAGED, 0, 0, 1, 0),
	[PST_SUIT_DIR_COPY_PARAMS] = T(1, MANAGED, 0, 0, 1, 0),
};
#undef T
#undef MANAGED
#undef SEALED
#undef FILL
#undef BIT

const struct pst_suit_trait *
pst_suit_trait_of(int64_t id)
{
	static const struct pst_suit_trait unknown;
	static const struct pst_suit_trait custom = { true, true, false, true,
		false, 0 };

	if (pst_suit_custom(id))
		return &custom;
	if (id < 0 || (uint64_t)id >= sizeof(traits) / sizeof(traits[0]))
		return &unknown;
	return &traits[id];
}

enum pst_err
pst_suit_command_refused(int64_t id, bool shared)
{
	const struct pst_suit_trait *t = pst_suit_trait_of(id);

	/* Section 8.4.11: an unknown condition MUST fail; nobody can tell a
	 * condition from a directive that is not known, so it is not soft. */
	if (!t->supported || (shared && !t->shared))
		return PST_ERR_SUIT_COMMAND;
	return PST_OK;
}

enum pst_err
pst_suit_sequence(struct pst_bytes code, uint32_t at, uint32_t len,
    uint32_t *first, uint32_t *count)
{
	struct pst_cbor_reader r;
	size_t i, n;

	code.len = (size_t)at + len;
	pst_cbor_reader_init(&r, code);
	r.at = at;
	n = pst_cbor_array(&r, 2, SIZE_MAX);
	n = pst_suit_at_most(
	    &r, n, 2 * (size_t)PST_SUIT_COMMANDS_MAX, PST_ERR_LIMIT);
	*first = (uint32_t)r.at;
	*count = (uint32_t)(n / 2);
	if (pst_cbor_ok(&r) && n % 2 != 0)
		pst_cbor_fail(&r, PST_ERR_SUIT_STRUCTURE);
	for (i = 0; i < n / 2 && pst_cbor_ok(&r); i++) {
		(void)pst_cbor_int(&r, INT32_MIN, INT32_MAX);
		pst_cbor_skip(&r);
	}
	return pst_cbor_end(&r);
}

enum pst_err
pst_suit_alternatives(
    struct pst_bytes code, uint32_t at, uint32_t *first, uint32_t *count)
{
	struct pst_cbor_reader r;
	size_t i, n;

	pst_cbor_reader_init(&r, code);
	r.at = at;
	n = pst_cbor_array(&r, 2, SIZE_MAX);
	n = pst_suit_at_most(&r, n, PST_SUIT_COMMANDS_MAX, PST_ERR_LIMIT);
	*first = (uint32_t)r.at;
	*count = (uint32_t)n;
	/* [2* bstr, ?nil] */
	for (i = 0; i < n && pst_cbor_ok(&r); i++) {
		if (i >= 2 && i == n - 1 &&
		    pst_cbor_peek(&r) == PST_CBOR_SIMPLE)
			pst_cbor_null(&r);
		else
			(void)pst_cbor_bstr(&r, 1, SIZE_MAX);
	}
	return r.err;
}

/* [+uint], each an index of a component. */
static void
index_list(
    struct pst_cbor_reader *r, size_t components, struct pst_suit_index *out)
{
	size_t n = pst_cbor_array(r, 1, SIZE_MAX);

	n = pst_suit_at_most(
	    r, n, PST_SUIT_COMPONENTS_MAX, PST_ERR_SUIT_COMPONENT);
	out->kind = INDEX_LIST;
	out->list_at = (uint32_t)r->at;
	out->list_len = (uint32_t)n;
	while (n-- > 0 && pst_cbor_ok(r))
		if (pst_cbor_uint(r, UINT64_MAX) >= components)
			pst_cbor_fail(r, PST_ERR_SUIT_COMPONENT);
}

enum pst_err
pst_suit_index_read(struct pst_bytes code, uint32_t at, size_t components,
    struct pst_suit_index *out)
{
	struct pst_cbor_reader r;
	uint64_t one;

	memset(out, 0, sizeof(*out));
	pst_cbor_reader_init(&r, code);
	r.at = at;
	switch (pst_cbor_peek(&r)) {
	case PST_CBOR_UINT:
		/* The whole number is compared, before it is narrowed. */
		one = pst_cbor_uint(&r, UINT64_MAX);
		if (one >= components)
			pst_cbor_fail(&r, PST_ERR_SUIT_COMPONENT);
		out->kind = INDEX_ONE;
		out->one = (uint32_t)one;
		break;
	case PST_CBOR_ARRAY:
		index_list(&r, components, out);
		break;
	default:
		if (!pst_cbor_bool(&r))
			pst_cbor_fail(&r, PST_ERR_CBOR_TYPE);
		/* All of none would let every condition pass unasked. */
		if (components == 0)
			pst_cbor_fail(&r, PST_ERR_SUIT_COMPONENT);
		out->kind = INDEX_ALL;
	}
	return r.err;
}

uint32_t
pst_suit_index_entry(struct pst_bytes code, uint32_t list_at, uint32_t n)
{
	struct pst_cbor_reader r;
	uint64_t v;

	pst_cbor_reader_init(&r, code);
	r.at = list_at;
	do
		v = pst_cbor_uint(&r, UINT32_MAX);
	while (n-- > 0);
	return (uint32_t)v;
}
