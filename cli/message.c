/* Messages in COSE wrappers and without. */
#include "keyring.h"

const char *
cli_cose_name(uint64_t tag)
{
	switch (tag) {
	case PST_TAG_ENCRYPT0:
		return "COSE_Encrypt0";
	case PST_TAG_MAC0:
		return "COSE_Mac0";
	case PST_TAG_SIGN1:
		return "COSE_Sign1";
	case PST_TAG_ENCRYPT:
		return "COSE_Encrypt";
	case PST_TAG_MAC:
		return "COSE_Mac";
	case PST_TAG_SIGN:
		return "COSE_Sign";
	default:
		return "COSE";
	}
}

struct pst_bytes
cli_without_cwt_tag(struct pst_bytes in)
{
	struct pst_cbor_reader r;

	pst_cbor_reader_init(&r, in);
	if (!pst_cbor_tag_optional(&r, PST_TAG_CWT))
		return in;
	return (struct pst_bytes){ in.ptr + r.at, in.len - r.at };
}

static bool
is_cose_tag(uint64_t tag)
{
	return tag == PST_TAG_SIGN1 || tag == PST_TAG_SIGN ||
	    tag == PST_TAG_MAC0 || tag == PST_TAG_MAC ||
	    tag == PST_TAG_ENCRYPT0 || tag == PST_TAG_ENCRYPT;
}

bool
cli_is_cose(struct pst_bytes in)
{
	struct pst_cbor_reader r;
	struct pst_cbor_head h;

	pst_cbor_reader_init_profile(&r, cli_without_cwt_tag(in), PST_CBOR_ANY);
	pst_cbor_head(&r, &h);
	if (h.type == PST_CBOR_TAG)
		return is_cose_tag(h.arg);
	/* Untagged: an array that begins with the protected bucket. */
	return h.type == PST_CBOR_ARRAY && pst_cbor_peek(&r) == PST_CBOR_BSTR;
}

/* What has recipients or is encrypted: said by name, not as a structure's
 * fault. */
static uint64_t
unsupported_tag(struct pst_bytes in)
{
	struct pst_cbor_reader r;
	uint64_t tag;
	size_t count;

	pst_cbor_reader_init(&r, in);
	if (pst_cbor_peek(&r) == PST_CBOR_ARRAY) {
		count = pst_cbor_array(&r, 0, SIZE_MAX);
		if (count == 3)
			return PST_TAG_ENCRYPT0;
		return count == 5 ? PST_TAG_MAC : 0;
	}
	if (pst_cbor_peek(&r) != PST_CBOR_TAG)
		return 0;
	tag = pst_cbor_tag(&r);
	if (tag == PST_TAG_MAC || tag == PST_TAG_ENCRYPT0 ||
	    tag == PST_TAG_ENCRYPT)
		return tag;
	return 0;
}

uint64_t
cli_cose_kind(struct pst_bytes in)
{
	struct pst_cose_message msg;
	uint64_t tag;

	in = cli_without_cwt_tag(in);
	tag = unsupported_tag(in);
	if (tag != 0)
		return tag;
	if (pst_cose_parse(in, PST_TAG_SIGN1, &msg, NULL) != PST_OK)
		return 0;
	return msg.kind;
}

int
cli_cose_parse(const struct cli_keyring *ring, const char *path,
    struct pst_bytes in, struct pst_cose_message *out)
{
	bool macs = ring->count > 0 && ring->secrets == ring->count;
	uint64_t tag;
	enum pst_err err;
	size_t at;

	in = cli_without_cwt_tag(in);
	tag = unsupported_tag(in);
	if (tag != 0)
		return cli_fail(
		    "%s: %s is not signed", path, cli_cose_name(tag));
	/* Four elements without a tag are what the keys can check. */
	err = pst_cose_parse(in, macs ? PST_TAG_MAC0 : PST_TAG_SIGN1, out, &at);
	if (err != PST_OK)
		return cli_fail(
		    "%s: %s at byte %zu", path, pst_err_name(err), at);
	return CLI_DONE;
}

int
cli_unwrap(struct cli_keyring *ring, const char *command, const char *path,
    struct pst_bytes in, struct cli_message *out)
{
	struct pst_cose_message cose;
	struct pst_bytes none = { NULL, 0 };
	enum pst_err err;
	int status;

	*out = (struct cli_message){ .wrapped = cli_is_cose(in) };
	if (!out->wrapped) {
		/* Shown to whoever named the file, and not acted upon. */
		out->verified = pst_verified_by_caller(in);
		return CLI_DONE;
	}
	status = cli_cose_parse(ring, path, in, &cose);
	if (status != CLI_DONE)
		return status;
	if (ring->count == 0)
		return cli_usage(command,
		    "%s is in %s: its key is needed (--key)", path,
		    cli_cose_name(cose.kind));
	out->kind = cose.kind;
	err = cose.detached ? PST_ERR_COSE_STRUCTURE
			    : pst_cose_verify(&cose, ring->crypto, &ring->keys,
				  none, &out->verified);
	if (err != PST_OK)
		return cli_fail("%s: %s", path, pst_err_name(err));
	return CLI_DONE;
}
