/*
 * The two request headers that the TEEP over HTTP binding decides by: Accept
 * and Content-Type (draft-ietf-teep-otrp-over-http; RFC 9110, Sections 8.3
 * and 12.5.1). Pure: bytes in, a decision out, no allocation.
 */
#ifndef POSTERN_TAM_HTTP_HEADER_H
#define POSTERN_TAM_HTTP_HEADER_H

#include <postern/base.h>

/* Media ranges that one request may list; browsers send about ten. */
#define PST_HTTP_RANGES_MAX 64

/** A media type, or a media range of an Accept header. Views the header. */
struct pst_http_media {
	struct pst_bytes type;	  /* a token; "*" only in a range */
	struct pst_bytes subtype; /* likewise */
	bool has_parameters;	  /* any before q */
	uint16_t quality;	  /* thousandths, 0 to 1000; 1000 without q */
};

/**
 * Read the value of a Content-Type header: one media type and parameters.
 *
 * @retval PST_ERR_ARG  not a media type; *out is zero
 */
enum pst_err pst_http_media_type(
    struct pst_bytes value, struct pst_http_media *out) PST_MUST_CHECK;

/** Is it this type, whatever its parameters? Names ignore case. */
bool pst_http_media_is(
    const struct pst_http_media *m, const char *type, const char *subtype);

/** What the Accept headers of one request say of one media type. */
struct pst_http_accept {
	const char *type;
	const char *subtype;
	uint16_t ranges;  /* seen so far */
	uint8_t rank;	  /* how specific the best match is; 0: none matched */
	uint16_t quality; /* of the best match, thousandths */
	enum pst_err err; /* sticky: PST_ERR_ARG or PST_ERR_LIMIT */
};

/** Begin a decision about type "/" subtype; both are kept, lower case. */
void pst_http_accept_init(
    struct pst_http_accept *a, const char *type, const char *subtype);

/** Take one Accept header into account; a request may have several. */
void pst_http_accept_add(struct pst_http_accept *a, struct pst_bytes value);

/**
 * The decision. The most specific range that matches counts, whatever the
 * order (RFC 9110, Section 12.5.1), and a quality of 0 refuses.
 *
 * A request without Accept accepts nothing here: the binding asks for the
 * header.
 *
 * @retval PST_OK             acceptable
 * @retval PST_ERR_NOT_FOUND  not acceptable: status 406
 * @retval PST_ERR_ARG        malformed: status 400
 * @retval PST_ERR_LIMIT      more than PST_HTTP_RANGES_MAX ranges: 400
 */
enum pst_err pst_http_accepts(const struct pst_http_accept *a) PST_MUST_CHECK;

#endif
