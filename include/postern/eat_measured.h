/*
 * Contents of the claims "measurements" and "manifests" of an EAT (RFC 9711,
 * Sections 4.2.14 and 4.2.15), by their CoAP content format: measured
 * components (draft-ietf-rats-eat-measured-component), CoSWID tags (RFC 9393)
 * and references to SUIT manifests (draft-ietf-suit-report).
 */
#ifndef POSTERN_EAT_MEASURED_H
#define POSTERN_EAT_MEASURED_H

#include <postern/eat.h>

/** IANA CoAP Content-Formats. */
enum pst_content_format {
	PST_FORMAT_CBOR = 60,
	PST_FORMAT_COSWID = 258,
	PST_FORMAT_SUIT_REPORT = 270,
	PST_FORMAT_MEASURED_COMPONENT = 295
};

/** One item of the two claims. Views the claim. */
struct pst_eat_content {
	uint16_t format;
	struct pst_bytes bytes;
};

/** Take the first item off a list that pst_eat_decode made. */
bool pst_eat_content_next(struct pst_list *list, struct pst_eat_content *out);

/** Write an item, [content-format, bstr]. */
void
pst_eat_content_put(struct pst_cbor_writer *w, const struct pst_eat_content *c);

/** A measured component. Views its input. */
struct pst_eat_measured {
	struct pst_bytes name;	  /* text */
	struct pst_bytes version; /* text; empty when there is none */
	/* what hashed it, as COSE names it: SHA-256, -384 or -512;
	 * PST_ALG_NONE: value is what was measured itself */
	int32_t alg;
	struct pst_bytes value;
};

/**
 * Read a measured component. Authorities and flags mean what a profile says,
 * and "the consumer MUST reject" those of a profile that it does not know: no
 * profile here has them.
 *
 * @retval PST_ERR_EAT_CLAIM    not one, or a digest not of its hash's size
 * @retval PST_ERR_COSE_ALG     another hash than the three
 * @retval PST_ERR_EAT_PROFILE  it has authorities or flags
 */
enum pst_err pst_eat_measured_decode(
    struct pst_bytes in, struct pst_eat_measured *out) PST_MUST_CHECK;

/** Write one; another hash than the three makes the writer fail. */
void pst_eat_measured_put(
    struct pst_cbor_writer *w, const struct pst_eat_measured *m);

/* Collections of files in one CoSWID: the tag's own, and directories. */
#define PST_COSWID_FOLDERS_MAX 16

/** A CoSWID tag. Views its input. */
struct pst_coswid {
	struct pst_bytes name, version; /* text; version may be empty */
	bool has_evidence;		/* measured on the device */
	bool has_payload;		/* said by the software's maker */
	/* what pst_coswid_next has yet to read */
	struct pst_list files; /* encoded file entries */
	struct pst_bytes folder[PST_COSWID_FOLDERS_MAX];
	size_t folders;
	enum pst_err err;
};

/** A file that a CoSWID lists. */
struct pst_coswid_file {
	struct pst_bytes name; /* text, without its path */
	int32_t alg; /* as in struct pst_eat_measured; NONE: no hash */
	struct pst_bytes digest;
};

/**
 * Read a CoSWID tag, with CBOR's tag or without, and check all files in it.
 *
 * @retval PST_ERR_EAT_CLAIM  it is none
 * @retval PST_ERR_COSE_ALG   a file has another hash than the three
 * @retval PST_ERR_LIMIT      more directories than PST_COSWID_FOLDERS_MAX
 */
enum pst_err
pst_coswid_decode(struct pst_bytes in, struct pst_coswid *out) PST_MUST_CHECK;

/** The next file, of evidence or payload; false at the end. */
bool pst_coswid_next(struct pst_coswid *c, struct pst_coswid_file *out);

/**
 * SUIT_Reference, [uri, digest]: what an item of "manifests" holds in the TEEP
 * profile.
 *
 * @retval PST_ERR_EAT_CLAIM  it is none
 */
enum pst_err pst_eat_suit_reference(struct pst_bytes in, struct pst_bytes *uri,
    struct pst_suit_digest *digest) PST_MUST_CHECK;

#endif
