/*
 * The personal Trusted Application: one command, which answers with its
 * personalization data, the component [7a327a25-…, 'config'].
 */
#ifndef PERSONAL_TA_H
#define PERSONAL_TA_H

/* 7a327a25-127c-4335-8d58-0b9b195526c7 */
#define PERSONAL_TA_UUID \
	{ \
		0x7a327a25, 0x127c, 0x4335, \
		{ \
			0x8d, 0x58, 0x0b, 0x9b, 0x19, 0x55, 0x26, 0xc7 \
		} \
	}

/* 0  memref out  the data; TEE_ERROR_ITEM_NOT_FOUND without any */
#define PERSONAL_CMD_SAY 0

#endif
