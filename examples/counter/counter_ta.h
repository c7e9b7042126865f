/*
 * The counter Trusted Application: one instance that all clients share and
 * that stays when they leave.
 */
#ifndef COUNTER_TA_H
#define COUNTER_TA_H

/* 2b1d1f6e-0c57-4c8e-9a0b-5d3f0a4be9c1 */
#define COUNTER_TA_UUID \
	{ \
		0x2b1d1f6e, 0x0c57, 0x4c8e, \
		{ \
			0x9a, 0x0b, 0x5d, 0x3f, 0x0a, 0x4b, 0xe9, 0xc1 \
		} \
	}

/* 0  memref out  "counted to N", N one more with each call */
#define COUNTER_CMD_SAY 0
/* 0  value inout  a: what to add; on return the count */
#define COUNTER_CMD_ADD 1

#endif
