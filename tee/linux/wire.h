/*
 * Messages between libteec, postern-tee and postern-ta-host: one datagram on a
 * SOCK_SEQPACKET socket each, a fixed head and at most PST_WIRE_INLINE_MAX
 * bytes of content. All ends run on one machine, so numbers are in its order.
 *
 * A connection of libteec carries one session and one call at a time; only
 * CANCEL may follow a call that is not answered. The same holds for a TA
 * process, except that it may have many sessions, and may ask for its objects
 * while it carries out a call.
 *
 * A memory reference's content travels inside the message or, when it is
 * larger, in a memfd beside it that is sealed against every change: what was
 * checked is what is read.
 */
#ifndef PST_WIRE_H
#define PST_WIRE_H

#include <postern/base.h>

#define PST_WIRE_VERSION 1
#define PST_WIRE_PARAMS 4
/* All of a message's inline content; larger goes into a memfd each. */
#define PST_WIRE_INLINE_MAX 32768
/*
 * One memory reference: the largest reply of the agent (1 MiB and a little)
 * and payloads that applications hand to TAs.
 */
#define PST_WIRE_MEMREF_MAX 4194304u
/* An object's identifier: TEE_OBJECT_ID_MAX_LEN. */
#define PST_WIRE_OBJECT_ID_MAX 64

enum pst_wire_op {
	PST_WIRE_HELLO = 1, /* libteec, first; command: PST_WIRE_VERSION */
	PST_WIRE_OPEN,
	PST_WIRE_INVOKE,
	PST_WIRE_CLOSE,
	PST_WIRE_CANCEL, /* of the call that is under way; has no answer */
	PST_WIRE_REPLY,	 /* to all of the above but CANCEL */
	/* between postern-tee and a TA process only */
	PST_WIRE_READY,	  /* the TA is loaded; command: its flags */
	PST_WIRE_FAILED,  /* it cannot be; content: why */
	PST_WIRE_TRACE,	  /* content: a line of the TA; command: its level */
	PST_WIRE_PANIC,	  /* result: the TA's code; the process ends */
	PST_WIRE_DESTROY, /* end the instance; the process ends */
	/* a TA's objects; it asks, and waits for the one answer */
	PST_WIRE_OBJECT_OPEN, /* content: the object's identifier */
	PST_WIRE_OBJECT_NEXT, /* command 0: the first; 1: after content */
	PST_WIRE_OBJECT	      /* the answer: result; of OPEN the content in
			       * parameter 0; of NEXT the identifier there and
			       * the size in parameter 1, low word first */
};

/* Types as in the GlobalPlatform Internal Core API (TEE_PARAM_TYPE_*). */
enum pst_wire_type {
	PST_WIRE_NONE = 0,
	PST_WIRE_VALUE_INPUT = 1,
	PST_WIRE_VALUE_OUTPUT = 2,
	PST_WIRE_VALUE_INOUT = 3,
	PST_WIRE_MEMREF_INPUT = 5,
	PST_WIRE_MEMREF_OUTPUT = 6,
	PST_WIRE_MEMREF_INOUT = 7
};

enum pst_wire_where {
	PST_WIRE_NOWHERE = 0, /* no content travels */
	PST_WIRE_INLINE = 1,
	PST_WIRE_MEMFD = 2
};

struct pst_wire_param {
	uint32_t type;
	uint32_t a, b;	/* of a value */
	uint32_t size;	/* of a memref: its size, or what would be needed */
	uint32_t have;	/* bytes of content that travel */
	uint32_t where; /* enum pst_wire_where */
	uint32_t null;	/* 1: a memref without a buffer; size is 0 */
};

struct pst_wire_head {
	uint32_t op;
	uint32_t session; /* of a TA process; 0 on libteec's connections */
	uint32_t command;
	uint32_t result;
	uint32_t origin; /* of result */
	uint32_t login;
	uint8_t uuid[16]; /* of the TA; of a client to a TA process */
	struct pst_wire_param params[PST_WIRE_PARAMS];
	uint32_t len; /* inline content */
};

/** A message with what it owns: descriptors of memfds, in parameter order. */
struct pst_wire_msg {
	struct pst_wire_head head;
	uint8_t data[PST_WIRE_INLINE_MAX];
	int fds[PST_WIRE_PARAMS];
	uint32_t fd_count;
};

/** An empty message. */
void pst_wire_init(struct pst_wire_msg *m, enum pst_wire_op op);

/** Close what the message owns. */
void pst_wire_clear(struct pst_wire_msg *m);

/** Is it an output, an input, a memory reference? */
bool pst_wire_is_output(uint32_t type);
bool pst_wire_is_input(uint32_t type);
bool pst_wire_is_memref(uint32_t type);

/**
 * Append content to parameter `index`: inline when there is room, else in a
 * sealed memfd. Parameters are filled in ascending order.
 *
 * @retval PST_ERR_LIMIT  over PST_WIRE_MEMREF_MAX
 * @retval PST_ERR_IO     no memory or descriptor
 */
enum pst_err pst_wire_put(struct pst_wire_msg *m, size_t index,
    const void *content, size_t len) PST_MUST_CHECK;

/** Text as the only content, cut to what fits. */
void pst_wire_put_text(struct pst_wire_msg *m, const char *text);

/**
 * Copy the content of parameter `index`; out has room for its `have`.
 *
 * @retval PST_ERR_IO  it cannot be read; out is zero
 */
enum pst_err pst_wire_get(
    const struct pst_wire_msg *m, size_t index, void *out) PST_MUST_CHECK;

/**
 * Send a message; m keeps what it owns.
 *
 * @param wait  block until there is room
 * @retval PST_ERR_AGAIN  no room
 * @retval PST_ERR_IO     the other end is gone
 */
enum pst_err
pst_wire_send(int fd, const struct pst_wire_msg *m, bool wait) PST_MUST_CHECK;

/**
 * Receive one message and check its shape: sizes, types, where content is,
 * and that each descriptor is a memfd of the stated size that nobody can
 * change any more.
 *
 * @param m     owns descriptors on PST_OK
 * @param wait  block until there is one
 *
 * @retval PST_ERR_AGAIN      there is none
 * @retval PST_ERR_NOT_FOUND  the other end has closed
 * @retval PST_ERR_ARG        not a message; the connection is useless now
 */
enum pst_err
pst_wire_recv(int fd, struct pst_wire_msg *m, bool wait) PST_MUST_CHECK;

/** Check the shape of a received message of `got` bytes. */
enum pst_err
pst_wire_check(const struct pst_wire_msg *m, size_t got) PST_MUST_CHECK;

/**
 * A memfd with a copy of the bytes, sealed against every change, or -1.
 */
int pst_wire_memfd(const char *name, const void *content, size_t len);

/** Seal a memfd against every change. */
bool pst_wire_seal(int fd);

/** Does fd have these bytes and all seals? */
bool pst_wire_sealed(int fd, uint64_t bytes);

#endif
