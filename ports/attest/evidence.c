/*
 * What all attesters share: user data, the container, files.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include <postern/eat_keys.h>

#include "internal.h"

#define HALF 32

enum pst_err
pst_attest_user_data(const struct pst_crypto *crypto,
    const struct pst_attest_request *q, uint8_t out[PST_ATTEST_USER_DATA])
{
	uint8_t digest[PST_DIGEST_MAX];
	size_t len = HALF;
	enum pst_err err = PST_OK;

	if (q->challenge.len == HALF)
		memcpy(digest, q->challenge.ptr, HALF);
	else
		err = crypto->digest(crypto->ctx, PST_ALG_SHA256, &q->challenge,
		    1, digest, &len);
	if (err != PST_OK)
		return err;
	memcpy(out, digest, HALF);
	return pst_cose_thumbprint(crypto, q->key, out + HALF);
}

static void
put_parts(struct pst_cbor_writer *w, const struct pst_attest_evidence *e)
{
	size_t i;

	if (e->part_count == 0)
		return;
	pst_cbor_put_uint(w, PST_EVIDENCE_PARTS);
	pst_cbor_put_array(w, e->part_count);
	for (i = 0; i < e->part_count; i++)
		pst_cbor_put_bstr(w, e->parts[i]);
}

/* A token is written to a buffer of its own: a signature cannot be counted. */
static enum pst_err
put_keys(struct pst_cbor_writer *w, const struct pst_crypto *crypto,
    const struct pst_attest_request *q)
{
	uint8_t token[PST_EAT_KEYS_TOKEN_MAX];
	struct pst_cbor_writer t;
	enum pst_err err;

	if (q->keys.len == 0)
		return PST_OK;
	pst_cbor_writer_init(&t, token, sizeof(token));
	err = pst_eat_keys_sign(&t, crypto, q->signer, q->keys);
	if (err != PST_OK)
		return err;
	pst_cbor_put_uint(w, PST_EVIDENCE_KEYS);
	pst_cbor_put_bstr(w, pst_cbor_written(&t));
	return PST_OK;
}

enum pst_err
pst_attest_write(const struct pst_crypto *crypto,
    const struct pst_attest_request *q, const struct pst_attest_evidence *e,
    uint8_t *out, size_t cap, size_t *len, struct pst_bytes *format)
{
	const struct pst_bytes no_kid = { NULL, 0 };
	bool challenge = e->challenge.len > 0;
	struct pst_cbor_writer w;
	enum pst_err err;
	size_t mark;

	pst_cbor_writer_init(&w, out, cap);
	pst_cbor_put_map(&w,
	    3 + (size_t)challenge + (e->part_count > 0) + (q->keys.len > 0));
	pst_cbor_put_uint(&w, PST_EVIDENCE_TYPE);
	pst_cbor_put_tstr(&w,
	    (struct pst_bytes){ (const uint8_t *)e->type, strlen(e->type) });
	pst_cbor_put_uint(&w, PST_EVIDENCE_PAYLOAD);
	pst_cbor_put_bstr(&w, e->quote);
	pst_cbor_put_uint(&w, PST_EVIDENCE_KEY);
	mark = pst_cbor_wrap_begin(&w);
	pst_cose_key_encode(&w, q->key, no_kid);
	pst_cbor_wrap_bstr(&w, mark);
	if (challenge) {
		pst_cbor_put_uint(&w, PST_EVIDENCE_CHALLENGE);
		pst_cbor_put_bstr(&w, e->challenge);
	}
	put_parts(&w, e);
	err = put_keys(&w, crypto, q);
	if (err == PST_OK)
		err = w.err;
	if (err != PST_OK)
		return err;
	*len = w.len;
	*format = PST_BYTES_LIT(PST_EVIDENCE_FORMAT);
	return PST_OK;
}

enum pst_err
pst_attest_read(const char *path, uint8_t *out, size_t cap, size_t *len)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = 1;
	uint8_t more;

	*len = 0;
	if (fd < 0)
		return PST_ERR_IO;
	while (n > 0 && *len < cap) {
		n = read(fd, out + *len, cap - *len);
		if (n > 0)
			*len += (size_t)n;
	}
	if (n > 0)
		n = read(fd, &more, 1) == 0 ? 0 : 1;
	close(fd);
	if (n < 0)
		return PST_ERR_IO;
	return n == 0 ? PST_OK : PST_ERR_SPACE;
}

enum pst_err
pst_attest_put(const char *path, struct pst_bytes bytes)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return PST_ERR_IO;
	n = write(fd, bytes.ptr, bytes.len);
	if (close(fd) != 0 || n < 0 || (size_t)n != bytes.len)
		return PST_ERR_IO;
	return PST_OK;
}
