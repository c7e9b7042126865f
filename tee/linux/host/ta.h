/*
 * The Trusted Application inside postern-ta-host: loading it and calling its
 * entry points.
 */
#ifndef PST_TA_H
#define PST_TA_H

#include "../wire.h"

/** Read 8-4-4-4-12 hexadecimal digits. */
bool pst_ta_uuid_parse(const char *text, uint8_t out[16]);

/**
 * Load the image and check its header.
 *
 * @return NULL, or why not
 */
const char *pst_ta_load(const uint8_t uuid[16]) PST_MUST_CHECK;

/** Carry out one message of the TEE and answer it; may end the process. */
void pst_ta_serve(struct pst_wire_msg *m);

#endif
