/* The cases of the two halves of this test program. */
#ifndef CBOR_CASES_H
#define CBOR_CASES_H
void reader_cases(void);
void writer_cases(void);
extern int cbor_cases, cbor_failures;
#endif
