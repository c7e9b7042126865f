/*
 * A Trusted Application for the tests: it does what it is told, good or bad.
 */
#ifndef PROBE_TA_H
#define PROBE_TA_H

#define PROBE_UUID \
	{ \
		0x11111111, 0x2222, 0x3333, \
		{ \
			0x44, 0x44, 0x55, 0x55, 0x55, 0x55, 0x55, 0x55 \
		} \
	}

enum probe_command {
	PROBE_ECHO = 1,	 /* 0 memref in, 1 memref out: copied */
	PROBE_VALUES,	 /* 0 value in, 1 value out, 2 value inout */
	PROBE_INOUT,	 /* 0 memref inout: each byte plus 1 */
	PROBE_NEED,	 /* 0 memref out: wants 1000 bytes */
	PROBE_UNWRITTEN, /* 0 memref out: claims all, writes nothing */
	PROBE_TYPES,	 /* 0 value out: paramTypes of the rest; nulls in b */
	PROBE_RESULT,	 /* 0 value in: returns it */
	PROBE_MEMORY,	 /* checks of the memory functions; 0 if all hold */
	PROBE_RIGHTS,	 /* 0 memref in: TEE_CheckMemoryAccessRights */
	PROBE_PROPERTIES,
	PROBE_TIME,
	PROBE_RANDOM,
	PROBE_WAIT, /* 0 value in: ms, cancellation unmasked */
	PROBE_WAIT_MASKED,
	PROBE_TRACE,
	PROBE_PID,     /* 0 value out */
	PROBE_SYSCALL, /* 0 value in: enum probe_evil; result if it lives */
	PROBE_PANIC,
	PROBE_CRASH,
	PROBE_LOOP,
	PROBE_OVERFLOW, /* recursion without end */
	PROBE_SESSIONS, /* 0 value out: sessions that are open */
	PROBE_OBJECTS,	/* checks of TEE_STORAGE_PERSO; see test_tee.c */
	PROBE_OPEN,	/* 0 memref in: name, 1 value in: flags; kept open */
	PROBE_READ,	/* 0 memref out: of what PROBE_OPEN opened */
	PROBE_MISTAKE,	/* 0 value in: enum probe_mistake */
	PROBE_GREEDY,	/* asks for objects and reads no answer */
	PROBE_LATE_OPEN /* 0 value in: ms before it opens `config` */
};

/* What a hostile TA tries. */
enum probe_evil {
	EVIL_SOCKET,
	EVIL_OPEN,
	EVIL_OPENAT,
	EVIL_STAT,
	EVIL_FORK,
	EVIL_CLONE_THREAD,
	EVIL_EXEC,
	EVIL_KILL_PARENT,
	EVIL_PTRACE,
	EVIL_SETNS,
	EVIL_UNSHARE,
	EVIL_MOUNT,
	EVIL_SECCOMP,
	EVIL_READ_MEMORY,
	EVIL_IO_URING,
	EVIL_PRCTL,
	EVIL_MAP_CODE, /* not tried with sanitizers, which need it */
	EVIL_COUNT
};

/* Each ends a TA that makes it. */
enum probe_mistake {
	MISTAKE_NO_HANDLE,
	MISTAKE_CLOSED_HANDLE,
	MISTAKE_LONG_NAME,
	MISTAKE_UNKNOWN_FLAG,
	MISTAKE_NOT_FOR_READING,
	MISTAKE_WHENCE,
	MISTAKE_BUFFER,
	MISTAKE_ENUMERATOR,
	MISTAKE_COUNT
};

#endif
