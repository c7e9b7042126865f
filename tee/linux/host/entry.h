/*
 * Entry points of the TA that is loaded.
 */
#ifndef PST_TA_ENTRY_H
#define PST_TA_ENTRY_H

#include <tee_api_types.h>

struct pst_ta_entry {
	TEE_Result (*create)(void);
	void (*destroy)(void);
	TEE_Result (*open)(
	    uint32_t types, TEE_Param params[TEE_NUM_PARAMS], void **session);
	void (*close)(void *session);
	TEE_Result (*invoke)(void *session, uint32_t command, uint32_t types,
	    TEE_Param params[TEE_NUM_PARAMS]);
};

extern struct pst_ta_entry pst_ta_entry;

#endif
