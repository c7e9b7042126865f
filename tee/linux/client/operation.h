/*
 * TEEC_Operation and the message that carries it.
 */
#ifndef PST_TEEC_OPERATION_H
#define PST_TEEC_OPERATION_H

#include "../wire.h"
#include <tee_client_api.h>

/** Check an operation and put its inputs into a message; op may be NULL. */
TEEC_Result
pst_teec_pack(const TEEC_Operation *op, struct pst_wire_msg *m) PST_MUST_CHECK;

/**
 * Put a reply's outputs into the operation. The reply must fit what was
 * asked: types, and no content larger than its buffer.
 *
 * @retval TEEC_ERROR_COMMUNICATION  it does not; nothing was changed
 */
TEEC_Result pst_teec_unpack(
    TEEC_Operation *op, const struct pst_wire_msg *m) PST_MUST_CHECK;

#endif
