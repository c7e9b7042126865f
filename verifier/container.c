/*
 * Containers: Evidence that travels with what it does not hold itself. Ours
 * brings the agent's COSE_Key and certificates beside a quote (design.md,
 * section 5); the other is what Linux's configfs-tsm gives, as Veraison
 * writes it down.
 */
#include "internal.h"

#include <string.h>

static struct pst_bytes
text(const char *s)
{
	return (struct pst_bytes){ (const uint8_t *)s, strlen(s) };
}

static bool
is(struct pst_bytes format, const char *type)
{
	return pst_media_type_same(format, text(type));
}

bool
pst_container_is(struct pst_bytes format)
{
	return is(format, PST_EVIDENCE_FORMAT) || is(format, PST_TSM_FORMAT);
}

static void
add_part(struct pst_evidence *out, struct pst_cbor_reader *r)
{
	struct pst_bytes part = pst_cbor_bstr(r, 0, SIZE_MAX);

	if (out->part_count == PST_EVIDENCE_PARTS_MAX)
		pst_cbor_fail(r, PST_ERR_LIMIT);
	else if (part.len > 0)
		out->part[out->part_count++] = part;
}

static void
add_parts(struct pst_evidence *out, struct pst_cbor_reader *r)
{
	size_t n = pst_cbor_array(r, 1, PST_EVIDENCE_PARTS_MAX);

	while (n-- > 0 && pst_cbor_ok(r))
		add_part(out, r);
}

/* {1: media type, 2: Evidence, ? 3: COSE_Key, ? 4: challenge, ? 5: [+ bstr],
 * ? 6: token} */
static enum pst_err
own(struct pst_bytes in, struct pst_bytes *format, struct pst_evidence *out)
{
	struct pst_bytes type = { NULL, 0 };
	struct pst_cbor_reader r;
	struct pst_cbor_seen seen;
	size_t n;

	pst_cbor_reader_init(&r, in);
	n = pst_cbor_map(&r, 6, &seen);
	while (n-- > 0 && pst_cbor_ok(&r)) {
		switch (pst_cbor_key(&r, &seen)) {
		case PST_EVIDENCE_TYPE:
			type = pst_cbor_tstr(&r, 1, 256);
			break;
		case PST_EVIDENCE_PAYLOAD:
			out->payload = pst_cbor_bstr(&r, 1, SIZE_MAX);
			break;
		case PST_EVIDENCE_KEY:
			out->agent_key = pst_cbor_bstr(&r, 1, SIZE_MAX);
			break;
		case PST_EVIDENCE_CHALLENGE:
			out->challenge = pst_cbor_bstr(&r, 1, SIZE_MAX);
			break;
		case PST_EVIDENCE_PARTS:
			add_parts(out, &r);
			break;
		case PST_EVIDENCE_KEYS:
			out->keys = pst_cbor_bstr(&r, 1, SIZE_MAX);
			break;
		default:
			pst_cbor_fail(&r, PST_ERR_EAT_CLAIM);
		}
	}
	if (pst_cbor_end(&r) != PST_OK)
		return PST_ERR_EAT_CLAIM;
	/* One container is enough. */
	if (type.len == 0 || out->payload.len == 0 || pst_container_is(type))
		return PST_ERR_EAT_CLAIM;
	*format = type;
	return PST_OK;
}

/* What the kernel's provider makes (attestation of confidential guests). */
static const struct provider {
	const char *name, *technology;
} providers[] = {
	{ "sev_guest", "snp" },
	{ "tdx_guest", "dcap" },
	{ "arm_cca_guest", "cca" },
};

const char *
pst_container_provider(const char *technology)
{
	size_t i;

	for (i = 0; i < sizeof(providers) / sizeof(providers[0]); i++)
		if (strcmp(technology, providers[i].technology) == 0)
			return providers[i].name;
	return NULL;
}

static enum pst_err
provided(struct pst_bytes provider, struct pst_bytes *format)
{
	size_t i;

	/* The attribute ends with a newline. */
	if (provider.len > 0 && provider.ptr[provider.len - 1] == '\n')
		provider.len--;
	for (i = 0; i < sizeof(providers) / sizeof(providers[0]); i++) {
		if (!pst_equal(provider, text(providers[i].name)))
			continue;
		*format = text(providers[i].technology);
		return PST_OK;
	}
	return PST_ERR_UNSUPPORTED;
}

/* {"auxblob": bstr, "outblob": bstr, "provider": tstr} */
static enum pst_err
tsm(struct pst_bytes in, struct pst_bytes *format, struct pst_evidence *out)
{
	struct pst_bytes provider = { NULL, 0 };
	struct pst_cbor_reader r;
	struct pst_cbor_seen seen;
	size_t n;

	pst_cbor_reader_init(&r, in);
	n = pst_cbor_map(&r, 3, &seen);
	while (n-- > 0 && pst_cbor_ok(&r)) {
		(void)pst_cbor_key(&r, &seen);
		if (pst_equal(seen.key, PST_BYTES_LIT("\x67outblob")))
			out->payload = pst_cbor_bstr(&r, 1, SIZE_MAX);
		else if (pst_equal(seen.key,
			     PST_BYTES_LIT("\x67"
					   "auxblob")))
			add_part(out, &r);
		else if (pst_equal(seen.key, PST_BYTES_LIT("\x68provider")))
			provider = pst_cbor_tstr(&r, 1, 32);
		else
			pst_cbor_fail(&r, PST_ERR_EAT_CLAIM);
	}
	if (pst_cbor_end(&r) != PST_OK || out->payload.len == 0)
		return PST_ERR_EAT_CLAIM;
	return provided(provider, format);
}

enum pst_err
pst_container_open(struct pst_bytes payload, struct pst_bytes *format,
    struct pst_evidence *out)
{
	memset(out, 0, sizeof(*out));
	if (is(*format, PST_EVIDENCE_FORMAT))
		return own(payload, format, out);
	if (is(*format, PST_TSM_FORMAT))
		return tsm(payload, format, out);
	out->payload = payload;
	return PST_OK;
}
