/*
 * What the API's functions share with postern-ta-host: one TA instance on one
 * thread, so plain variables.
 */
#ifndef PST_TA_RUNTIME_H
#define PST_TA_RUNTIME_H

#include "../wire.h"
#include <tee_api_types.h>
#include <user_ta_header.h>

struct pst_ta_runtime {
	int fd;	   /* socket to postern-tee */
	int probe; /* memfd of one byte, for TEE_CheckMemoryAccessRights */
	const struct ta_head *head;
	/* of the call that is under way */
	TEE_Identity client;
	TEE_Param memrefs[TEE_NUM_PARAMS]; /* memory that is the client's */
	bool cancelled;
	bool unmasked;
};

extern struct pst_ta_runtime pst_ta_runtime;

/** Tell the TEE why, and end without returning to the TA. */
void __noreturn pst_ta_panic(uint32_t code);

#endif
