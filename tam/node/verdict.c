#include <tam/node/verdict.h>

#include <string.h>

void
pst_tam_verdict_put(struct pst_cbor_writer *w, const struct pst_ear *ear)
{
	size_t i, n = 0;

	for (i = 0; i < PST_EAR_CLAIMS; i++)
		n += ear->has[i];
	pst_cbor_put_array(w, 2);
	pst_cbor_put_uint(w, (uint64_t)ear->status);
	pst_cbor_put_map(w, n);
	for (i = 0; i < PST_EAR_CLAIMS; i++) {
		if (!ear->has[i])
			continue;
		pst_cbor_put_uint(w, i);
		pst_cbor_put_int(w, ear->vector[i]);
	}
}

bool
pst_tam_verdict_get(struct pst_bytes verdict, struct pst_ear *out)
{
	struct pst_cbor_reader r;
	struct pst_cbor_seen seen;
	size_t n;

	memset(out, 0, sizeof(*out));
	pst_cbor_reader_init(&r, verdict);
	(void)pst_cbor_array(&r, 2, 2);
	out->status =
	    (enum pst_ear_tier)pst_cbor_uint(&r, PST_EAR_CONTRAINDICATED);
	n = pst_cbor_map(&r, PST_EAR_CLAIMS, &seen);
	while (n-- > 0 && pst_cbor_ok(&r)) {
		int64_t claim = pst_cbor_key(&r, &seen);

		if (claim < 0 || claim >= PST_EAR_CLAIMS)
			return false;
		out->has[claim] = true;
		out->vector[claim] =
		    (int8_t)pst_cbor_int(&r, INT8_MIN, INT8_MAX);
	}
	out->submods = 1;
	return pst_cbor_end(&r) == PST_OK;
}
