/*
 * The hello Trusted Application: one command, which answers with a text.
 */
#ifndef HELLO_TA_H
#define HELLO_TA_H

/* 8d82573a-926d-4754-9353-32dc29997f74 */
#define HELLO_TA_UUID \
	{ \
		0x8d82573a, 0x926d, 0x4754, \
		{ \
			0x93, 0x53, 0x32, 0xdc, 0x29, 0x99, 0x7f, 0x74 \
		} \
	}

/* 0  memref out  the text, not zero-terminated */
#define HELLO_CMD_SAY 0

#endif
