/*
 * Contents of components as memfds, and the personalization data that a TA
 * asks for. A TA gets all of an object at once, as it was installed: what it
 * has open stays the same while an update replaces the component.
 */
#include "internal.h"

#include <linux/sockios.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <tee_api_defines.h>
#include <unistd.h>

/* Room of a cancellation that a TA has not read; less than five messages. */
#define UNREAD_MAX 4096

enum pst_err
pst_content_memfd(struct pst_tee *tee, const struct pst_tee_content *content,
    uint64_t most, int *fd)
{
	const struct pst_tee_catalog *cat = &tee->options->catalog;
	enum pst_err err;

	if (content->size_bytes > most)
		return PST_ERR_LIMIT;
	*fd = memfd_create("content", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (*fd < 0)
		return PST_ERR_IO;
	err = cat->copy(cat->ctx, content, *fd);
	if (err == PST_OK &&
	    (!pst_wire_seal(*fd) || lseek(*fd, 0, SEEK_SET) != 0))
		err = PST_ERR_IO;
	if (err != PST_OK)
		close(*fd);
	return err;
}

static uint32_t
result_of(enum pst_err err)
{
	switch (err) {
	case PST_OK:
		return TEE_SUCCESS;
	case PST_ERR_NOT_FOUND:
		return TEE_ERROR_ITEM_NOT_FOUND;
	case PST_ERR_STORE_DAMAGED:
		return TEE_ERROR_CORRUPT_OBJECT;
	case PST_ERR_LIMIT:
		return TEE_ERROR_OUT_OF_MEMORY;
	default:
		return TEE_ERROR_STORAGE_NOT_AVAILABLE;
	}
}

static enum pst_err
open_object(struct instance *i, struct pst_bytes id, struct pst_wire_msg *out)
{
	const struct pst_tee_catalog *cat = &i->tee->options->catalog;
	struct pst_wire_param *p = &out->head.params[0];
	struct pst_tee_object o;
	enum pst_err err;
	int fd;

	err = cat->object(cat->ctx, i->ta.uuid, id, &o);
	if (err != PST_OK)
		return err;
	err = pst_content_memfd(i->tee, &o.content, PST_TEE_OBJECT_MAX, &fd);
	if (err != PST_OK)
		return err;
	p->type = PST_WIRE_MEMREF_OUTPUT;
	p->size = p->have = (uint32_t)o.content.size_bytes;
	if (p->have == 0) {
		close(fd);
		return PST_OK;
	}
	p->where = PST_WIRE_MEMFD;
	out->fds[out->fd_count++] = fd;
	return PST_OK;
}

static enum pst_err
next_object(
    struct instance *i, const struct pst_bytes *after, struct pst_wire_msg *out)
{
	const struct pst_tee_catalog *cat = &i->tee->options->catalog;
	struct pst_wire_param *p = out->head.params;
	struct pst_tee_object o;
	enum pst_err err;

	err = cat->object_next(cat->ctx, i->ta.uuid, after, &o);
	if (err != PST_OK)
		return err;
	p[0].type = PST_WIRE_MEMREF_OUTPUT;
	p[0].size = (uint32_t)o.id_len;
	p[1].type = PST_WIRE_VALUE_OUTPUT;
	p[1].a = (uint32_t)o.content.size_bytes;
	p[1].b = (uint32_t)(o.content.size_bytes >> 32);
	return pst_wire_put(out, 0, o.id, o.id_len);
}

static void
say_refused(struct instance *i, enum pst_err err)
{
	char text[80];

	snprintf(
	    text, sizeof(text), "cannot have its data: %s", pst_err_name(err));
	pst_instance_say(i, text);
}

/*
 * A TA asks again when it has the answer. One that does not read them would
 * keep as many contents in memory as its socket holds descriptors.
 */
static bool
answers_are_read(int fd)
{
	int unread = 0;

	return ioctl(fd, SIOCOUTQ, &unread) == 0 && unread <= UNREAD_MAX;
}

void
pst_object_request(struct instance *i, const struct pst_wire_msg *m)
{
	struct pst_wire_msg *out = &i->tee->out;
	const struct pst_bytes id = { m->data, m->head.len };
	enum pst_err err;

	/* Before it is ready it is the image's constructors that ask. */
	if ((i->state != INSTANCE_READY && i->state != INSTANCE_ENDING) ||
	    m->head.len > PST_WIRE_OBJECT_ID_MAX ||
	    !answers_are_read(i->source.fd)) {
		pst_instance_kill(i, TEEC_ERROR_TARGET_DEAD);
		return;
	}
	pst_wire_init(out, PST_WIRE_OBJECT);
	if (m->head.op == PST_WIRE_OBJECT_OPEN)
		err = open_object(i, id, out);
	else
		err = next_object(i, m->head.command != 0 ? &id : NULL, out);
	if (err != PST_OK && err != PST_ERR_NOT_FOUND)
		say_refused(i, err);
	out->head.result = result_of(err);
	/* A TA that waits for its answer has room for it. */
	if (pst_wire_send(i->source.fd, out, false) != PST_OK)
		pst_instance_kill(i, TEEC_ERROR_TARGET_DEAD);
	pst_wire_clear(out);
}
