/*
 * What a caller's memory held before does not show after an initialiser.
 */
#include "test.h"

#include <postern/suit_report.h>

#include <stddef.h>

/* Initialised over zeros and over rubbish: the same, byte by byte, up to the
 * last member. */
#define SAME(type, last, init) \
	do { \
		static type clean, dirty; \
		type *it; \
		memset(&clean, 0, sizeof(clean)); \
		memset(&dirty, 0xa5, sizeof(dirty)); \
		it = &clean; \
		init; \
		it = &dirty; \
		init; \
		CHECK(memcmp(&clean, &dirty, \
			  offsetof(type, last) + sizeof(clean.last)) == 0); \
	} while (0)

static void
pitfall_initialisers_clear_the_whole_object(void)
{
	static uint8_t buf[64];
	const struct pst_bytes in = { buf, sizeof(buf) };

	SAME(struct pst_cbor_reader, profile, pst_cbor_reader_init(it, in));
	SAME(struct pst_cbor_writer, err, pst_cbor_writer_init(it, buf, 64));
	SAME(struct pst_suit_report, record, pst_suit_report_init(it, buf, 64));
}

int
main(void)
{
	RUN(pitfall_initialisers_clear_the_whole_object);
	TEST_END();
}
