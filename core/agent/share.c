/*
 * Who may fill the registry, and how far.
 *
 * It has three parts. What is installed or was (components, references,
 * manifests and tombstones) is charged to the TAM that brought it, and each
 * TAM of the configuration has an equal share of that part. The tokens of the
 * Updates that a TAM sent have an equal share of theirs, where the oldest make
 * room. The rest is for contacts, requests, results and the journal. The
 * sizes of the latter two follow from their limits; in a small registry they
 * are a quarter each. So no TAM and no application can bring about that an
 * answer to another one does not fit (docs/decisions/0042).
 */
#include "agent/agent_internal.h"

/* Bytes of a record at most: heads of up to three bytes, numbers of nine. */
#define RECORD(key, other, numbers) \
	((size_t)(2 + 3 * 3 + PST_REG_NUMBERS + (key) + (other)) + \
	    8 * (size_t)(numbers))

#define TOKENS_PART (1u << PST_REG_TOKEN)
#define NOTES_PART \
	(1u << PST_REG_HEAD | 1u << PST_REG_JOURNAL | 1u << PST_REG_FETCH | \
	    1u << PST_REG_TAM | 1u << PST_REG_REQUEST | 1u << PST_REG_RESULT)
#define INSTALLED_PART \
	(((1u << PST_REG_KINDS) - 1) & ~(TOKENS_PART | NOTES_PART))

static size_t
least(size_t a, size_t b)
{
	return a < b ? a : b;
}

static size_t
tokens_part(const struct pst_agent *a)
{
	size_t i, n = 0;

	for (i = 0; i < a->config->tam_count; i++)
		n += PST_AGENT_TOKENS_MAX *
		    RECORD(a->config->tams[i].name.len, PST_TOKEN_MAX, 0);
	return least(n, a->registry.cap / 4);
}

/* What notes leave free: for the contact of every TAM, and for one record
 * that stands beside the one that it replaces. */
static size_t
margin(const struct pst_agent *a)
{
	size_t i, n = RECORD(0, 0, 2) + RECORD(PST_AGENT_NAME_MAX, 0, 3);

	for (i = 0; i < a->config->tam_count; i++)
		n += RECORD(a->config->tams[i].name.len, 0, 3);
	return n;
}

static size_t
notes_part(const struct pst_agent *a)
{
	size_t i, n = margin(a);

	n += PST_AGENT_REQUESTS_MAX *
	    RECORD(PST_SUIT_ID_MAX, 2 * PST_AGENT_NAME_MAX, 2);
	n += PST_AGENT_FETCHES_MAX * RECORD(32, PST_REG_PLACE_LEN, 2);
	n += RECORD(PST_AGENT_NAME_MAX, 0, 1);
	for (i = 0; i < a->config->tam_count; i++)
		n += RECORD(
		    a->config->tams[i].name.len, PST_AGENT_FORMAT_MAX, 1);
	return least(n, a->registry.cap / 4);
}

/* Bytes of the records of some kinds whose key is this one. */
static size_t
bytes(const struct pst_registry *reg, uint32_t kinds, struct pst_bytes key)
{
	struct pst_reg_record r;
	size_t at = 0, n = 0;

	while (pst_reg_next(reg, &at, &r)) {
		if ((kinds >> r.kind & 1) &&
		    (key.len == SIZE_MAX || pst_same(r.key, key)))
			n += at - r.start;
	}
	return n;
}

enum pst_err
pst_agent_note(struct pst_agent *a, struct pst_registry *reg,
    const struct pst_reg_record *r)
{
	struct pst_reg_record old;
	size_t had = 0, len = pst_reg_size(r);

	if (pst_reg_find(reg, r->kind, r->key, r->other, &old))
		had = pst_reg_size(&old);
	/* What grows nothing stays. */
	if (len > had &&
	    bytes(reg, NOTES_PART, PST_REG_ANY) - had + len + margin(a) >
		notes_part(a))
		return PST_ERR_SPACE;
	return pst_reg_put(reg, r);
}

enum pst_err
pst_agent_note_token(struct pst_agent *a, struct pst_registry *reg,
    const struct pst_reg_record *r)
{
	size_t part = tokens_part(a) / a->config->tam_count;
	size_t len = pst_reg_size(r), have;

	for (;;) {
		have = pst_reg_count(reg, PST_REG_TOKEN, r->key, PST_REG_ANY);
		if (have == 0 ||
		    (have < PST_AGENT_TOKENS_MAX &&
			bytes(reg, TOKENS_PART, r->key) + len <= part))
			break;
		pst_reg_remove_first(reg, PST_REG_TOKEN, r->key, PST_REG_ANY);
	}
	return pst_reg_add(reg, r);
}

/*
 * The TAM that a record of what is installed is charged to: that of the root
 * manifest, or tombstone, that it belongs to. A component with several
 * references is charged for the oldest.
 */
struct pst_bytes
pst_agent_payer(const struct pst_registry *reg, const struct pst_reg_record *r)
{
	struct pst_bytes id = r->key;
	struct pst_reg_record found;
	size_t i;

	if (r->kind == PST_REG_MANIFEST)
		return r->other;
	for (i = 0; i <= PST_SUIT_TREE_DEPTH_MAX; i++) {
		if (pst_reg_find(
			reg, PST_REG_MANIFEST, id, PST_REG_ANY, &found))
			return found.other;
		if (!pst_reg_find(reg, PST_REG_LINK, PST_REG_ANY, id, &found))
			break;
		id = found.key;
	}
	return PST_NOTHING;
}

/* An entry of a tc-list that reaches everything. */
static bool
listed(const struct pst_reg_record *r)
{
	return r->kind == PST_REG_COMPONENT ||
	    (r->kind == PST_REG_MANIFEST && r->n[1] != 0);
}

struct charge {
	size_t bytes;
	size_t entries;
};

/* What is charged to a TAM; PST_REG_ANY: to all, and to nobody. */
static struct charge
charged(const struct pst_registry *reg, struct pst_bytes tam)
{
	struct charge sum = { 0, 0 };
	struct pst_reg_record r;
	size_t at = 0;

	while (pst_reg_next(reg, &at, &r)) {
		if (!(INSTALLED_PART >> r.kind & 1))
			continue;
		if (tam.len != SIZE_MAX &&
		    !pst_same(pst_agent_payer(reg, &r), tam))
			continue;
		sum.bytes += at - r.start;
		sum.entries += listed(&r);
	}
	return sum;
}

/* More than there may be, and more than there was. */
static bool
exceeds(size_t now, size_t before, size_t max)
{
	return now > max && now > before;
}

enum pst_err
pst_agent_share_check(const struct pst_agent *a, const struct pst_registry *was,
    const struct pst_registry *is, struct pst_bytes tam)
{
	size_t part = a->registry.cap - tokens_part(a) - notes_part(a);
	size_t tams = a->config->tam_count;
	struct charge all = charged(is, PST_REG_ANY);
	struct charge mine, before;

	if (all.bytes <= part / tams &&
	    all.entries <= PST_AGENT_INSTALLED_MAX / tams)
		return PST_OK;
	mine = charged(is, tam);
	before = charged(was, tam);
	if (exceeds(
		mine.entries, before.entries, PST_AGENT_INSTALLED_MAX / tams))
		return PST_ERR_LIMIT;
	if (exceeds(mine.bytes, before.bytes, part / tams))
		return PST_ERR_SPACE;
	/* What TAMs brought that are no more in the configuration. */
	before = charged(was, PST_REG_ANY);
	if (exceeds(all.entries, before.entries, PST_AGENT_INSTALLED_MAX))
		return PST_ERR_LIMIT;
	return exceeds(all.bytes, before.bytes, part) ? PST_ERR_SPACE : PST_OK;
}
