#include "wire.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#define SEALS (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

_Static_assert(
    sizeof(struct pst_wire_head) == 6 * 4 + 16 + PST_WIRE_PARAMS * 7 * 4 + 4,
    "no padding travels");
_Static_assert(
    offsetof(struct pst_wire_msg, data) == sizeof(struct pst_wire_head),
    "head and data are one datagram");

void
pst_wire_init(struct pst_wire_msg *m, enum pst_wire_op op)
{
	memset(&m->head, 0, sizeof(m->head));
	m->head.op = op;
	m->fd_count = 0;
}

void
pst_wire_clear(struct pst_wire_msg *m)
{
	while (m->fd_count > 0)
		close(m->fds[--m->fd_count]);
}

bool
pst_wire_is_output(uint32_t type)
{
	return type == PST_WIRE_VALUE_OUTPUT || type == PST_WIRE_VALUE_INOUT ||
	    type == PST_WIRE_MEMREF_OUTPUT || type == PST_WIRE_MEMREF_INOUT;
}

bool
pst_wire_is_input(uint32_t type)
{
	return type == PST_WIRE_VALUE_INPUT || type == PST_WIRE_VALUE_INOUT ||
	    type == PST_WIRE_MEMREF_INPUT || type == PST_WIRE_MEMREF_INOUT;
}

bool
pst_wire_is_memref(uint32_t type)
{
	return type >= PST_WIRE_MEMREF_INPUT && type <= PST_WIRE_MEMREF_INOUT;
}

/* --- content ------------------------------------------------------------- */

static bool
write_all(int fd, const uint8_t *from, size_t len)
{
	ssize_t n;

	while (len > 0) {
		n = write(fd, from, len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		from += n;
		len -= (size_t)n;
	}
	return true;
}

int
pst_wire_memfd(const char *name, const void *content, size_t len)
{
	int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd < 0)
		return -1;
	if (write_all(fd, content, len) && pst_wire_seal(fd))
		return fd;
	close(fd);
	return -1;
}

bool
pst_wire_seal(int fd)
{
	return fcntl(fd, F_ADD_SEALS, SEALS) == 0;
}

bool
pst_wire_sealed(int fd, uint64_t bytes)
{
	int seals = fcntl(fd, F_GET_SEALS);
	off_t size;

	/* Only files in memory have seals. Not fstat: a sandboxed process has
	 * no call that takes a path, and libc's fstat is one. */
	if (seals < 0 || (seals & SEALS) != SEALS)
		return false;
	size = lseek(fd, 0, SEEK_END);
	return size >= 0 && (uint64_t)size == bytes;
}

enum pst_err
pst_wire_put(
    struct pst_wire_msg *m, size_t index, const void *content, size_t len)
{
	struct pst_wire_param *p = &m->head.params[index];
	int fd;

	if (len > PST_WIRE_MEMREF_MAX)
		return PST_ERR_LIMIT;
	if (len == 0)
		return PST_OK;
	p->have = (uint32_t)len;
	if (len <= PST_WIRE_INLINE_MAX - m->head.len) {
		p->where = PST_WIRE_INLINE;
		memcpy(m->data + m->head.len, content, len);
		m->head.len += (uint32_t)len;
		return PST_OK;
	}
	fd = pst_wire_memfd("postern-memref", content, len);
	if (fd < 0) {
		p->have = 0;
		return PST_ERR_IO;
	}
	p->where = PST_WIRE_MEMFD;
	m->fds[m->fd_count++] = fd;
	return PST_OK;
}

void
pst_wire_put_text(struct pst_wire_msg *m, const char *text)
{
	size_t len = strlen(text);

	if (len > PST_WIRE_INLINE_MAX)
		len = PST_WIRE_INLINE_MAX;
	memcpy(m->data, text, len);
	m->head.len = (uint32_t)len;
}

static bool
read_all(int fd, uint8_t *to, size_t len)
{
	size_t at = 0;
	ssize_t n;

	while (at < len) {
		n = pread(fd, to + at, len - at, (off_t)at);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		at += (size_t)n;
	}
	return true;
}

enum pst_err
pst_wire_get(const struct pst_wire_msg *m, size_t index, void *out)
{
	const struct pst_wire_param *p = m->head.params;
	size_t i, at = 0, fd = 0;

	for (i = 0; i < index; i++) {
		at += p[i].where == PST_WIRE_INLINE ? p[i].have : 0;
		fd += p[i].where == PST_WIRE_MEMFD ? 1 : 0;
	}
	if (p[i].have == 0)
		return PST_OK;
	if (p[i].where == PST_WIRE_INLINE) {
		memcpy(out, m->data + at, p[i].have);
		return PST_OK;
	}
	if (read_all(m->fds[fd], out, p[i].have))
		return PST_OK;
	memset(out, 0, p[i].have);
	return PST_ERR_IO;
}

/* --- checks -------------------------------------------------------------- */

static bool
good_memref(const struct pst_wire_param *p)
{
	if (p->null > 1 || (p->null == 1 && p->have != 0))
		return false;
	/* A size alone may be anything: a TA says how much it would need. */
	if (p->have > p->size || p->have > PST_WIRE_MEMREF_MAX)
		return false;
	if (p->have == 0)
		return p->where == PST_WIRE_NOWHERE;
	return p->where == PST_WIRE_INLINE || p->where == PST_WIRE_MEMFD;
}

static bool
good_param(const struct pst_wire_param *p)
{
	if (pst_wire_is_memref(p->type))
		return good_memref(p);
	if (p->type > PST_WIRE_VALUE_INOUT)
		return false;
	return p->size == 0 && p->have == 0 && p->where == PST_WIRE_NOWHERE &&
	    p->null == 0;
}

static bool
has_params(uint32_t op)
{
	return op == PST_WIRE_OPEN || op == PST_WIRE_INVOKE ||
	    op == PST_WIRE_REPLY || op == PST_WIRE_OBJECT;
}

enum pst_err
pst_wire_check(const struct pst_wire_msg *m, size_t got)
{
	const struct pst_wire_param *p = m->head.params;
	uint64_t inlined = 0;
	size_t i, fds = 0;

	if (got < sizeof(m->head) || got - sizeof(m->head) != m->head.len)
		return PST_ERR_ARG;
	if (m->head.op < PST_WIRE_HELLO || m->head.op > PST_WIRE_OBJECT)
		return PST_ERR_ARG;
	for (i = 0; i < PST_WIRE_PARAMS; i++) {
		if (!good_param(&p[i]))
			return PST_ERR_ARG;
		if (p[i].type != PST_WIRE_NONE && !has_params(m->head.op))
			return PST_ERR_ARG;
		if (p[i].where == PST_WIRE_INLINE)
			inlined += p[i].have;
		if (p[i].where != PST_WIRE_MEMFD)
			continue;
		if (fds >= m->fd_count ||
		    !pst_wire_sealed(m->fds[fds++], p[i].have))
			return PST_ERR_ARG;
	}
	if (has_params(m->head.op) && inlined != m->head.len)
		return PST_ERR_ARG;
	return fds == m->fd_count ? PST_OK : PST_ERR_ARG;
}

/* --- sockets ------------------------------------------------------------- */

union control {
	struct cmsghdr align;
	char room[CMSG_SPACE(PST_WIRE_PARAMS * sizeof(int))];
};

static void
attach(struct msghdr *mh, union control *control, const struct pst_wire_msg *m)
{
	size_t len = m->fd_count * sizeof(int);
	struct cmsghdr *c;

	if (m->fd_count == 0)
		return;
	memset(control, 0, sizeof(*control));
	mh->msg_control = control->room;
	mh->msg_controllen = CMSG_SPACE(len);
	c = CMSG_FIRSTHDR(mh);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(len);
	memcpy(CMSG_DATA(c), m->fds, len);
}

enum pst_err
pst_wire_send(int fd, const struct pst_wire_msg *m, bool wait)
{
	union control control;
	struct msghdr mh = { 0 };
	struct iovec iov;
	ssize_t n;

	/* sendmsg only reads; the cast is what its type asks for. */
	iov.iov_base = (void *)(uintptr_t)&m->head;
	iov.iov_len = sizeof(m->head) + m->head.len;
	mh.msg_iov = &iov;
	mh.msg_iovlen = 1;
	attach(&mh, &control, m);
	do {
		n = sendmsg(fd, &mh, MSG_NOSIGNAL | (wait ? 0 : MSG_DONTWAIT));
	} while (n < 0 && errno == EINTR);
	if (n >= 0)
		return PST_OK;
	return errno == EAGAIN || errno == EWOULDBLOCK ? PST_ERR_AGAIN
						       : PST_ERR_IO;
}

static void
take_fds(struct msghdr *mh, struct pst_wire_msg *m)
{
	struct cmsghdr *c;
	size_t n;

	for (c = CMSG_FIRSTHDR(mh); c != NULL; c = CMSG_NXTHDR(mh, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		/* The room for control data bounds their number. */
		n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		memcpy(m->fds + m->fd_count, CMSG_DATA(c), n * sizeof(int));
		m->fd_count += (uint32_t)n;
	}
}

enum pst_err
pst_wire_recv(int fd, struct pst_wire_msg *m, bool wait)
{
	union control control;
	struct msghdr mh = { 0 };
	struct iovec iov;
	enum pst_err err;
	ssize_t n;

	pst_wire_init(m, PST_WIRE_REPLY);
	iov.iov_base = &m->head;
	iov.iov_len = sizeof(m->head) + sizeof(m->data);
	mh.msg_iov = &iov;
	mh.msg_iovlen = 1;
	mh.msg_control = control.room;
	mh.msg_controllen = sizeof(control.room);
	do {
		n = recvmsg(
		    fd, &mh, MSG_CMSG_CLOEXEC | (wait ? 0 : MSG_DONTWAIT));
	} while (n < 0 && errno == EINTR);
	if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
		return PST_ERR_AGAIN;
	if (n <= 0)
		return PST_ERR_NOT_FOUND;
	take_fds(&mh, m);
	err = (mh.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0
	    ? PST_ERR_ARG
	    : pst_wire_check(m, (size_t)n);
	if (err != PST_OK)
		pst_wire_clear(m);
	return err;
}
