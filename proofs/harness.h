/*
 * What the drivers of this folder share. A driver puts a function of the core
 * into every state that its contract allows and lets Frama-C's EVA look for a
 * run-time error; SOUNDNESS.md says what that shows. Drivers are analysed,
 * never built.
 */
#ifndef PROOFS_HARNESS_H
#define PROOFS_HARNESS_H

#include <postern/cbor.h>

#include "__fc_builtin.h"

/* Bytes of input: LEN_MIN to LEN_MAX, each length by itself. */
#ifndef LEN_MIN
#define LEN_MIN 0
#endif
#ifndef LEN_MAX
#define LEN_MAX 64
#endif

static uint8_t input[LEN_MAX > 0 ? LEN_MAX : 1];

/*
 * What skipping promises. Where it stands in for the function (-DSPEC_SKIP
 * and -eva-use-spec) prove_skip_forward has shown it for inputs as long.
 */
#ifdef SPEC_SKIP
/*@ requires r->at <= r->in.len;
    assigns r->at, r->err \from r->at, r->err, r->profile, input[..];
    assigns \result \from r->at, r->profile, input[..];
    ensures \old(r->at) <= r->at <= r->in.len; */
size_t pst_cbor_skip_heads(struct pst_cbor_reader *r);
#endif

static inline size_t
any_len(void)
{
	return Frama_C_size_t_interval(LEN_MIN, LEN_MAX);
}

/** Any bytes, up to the very end of the memory that is theirs. */
static inline struct pst_bytes
bytes(size_t len)
{
	Frama_C_make_unknown((char *)input, sizeof(input));
	return (struct pst_bytes){ input + (LEN_MAX - len), len };
}

static inline bool
any_bool(void)
{
	return Frama_C_interval(0, 1) != 0;
}

static inline uint64_t
any_u64(void)
{
	return Frama_C_unsigned_long_long_interval(0, UINT64_MAX);
}

static inline int64_t
any_i64(void)
{
	return Frama_C_long_long_interval(INT64_MIN, INT64_MAX);
}

static inline size_t
any_size(void)
{
	return Frama_C_size_t_interval(0, SIZE_MAX);
}

/**
 * A reader between two calls: any input, anywhere in it, in either profile,
 * failed or not.
 */
static inline struct pst_cbor_reader
reader(size_t len)
{
	struct pst_cbor_reader r;

	pst_cbor_reader_init_profile(
	    &r, bytes(len), any_bool() ? PST_CBOR_ANY : PST_CBOR_STRICT);
	r.at = Frama_C_size_t_interval(0, len);
	r.err = any_bool() ? PST_OK : PST_ERR_CBOR_END;
	return r;
}

#endif
