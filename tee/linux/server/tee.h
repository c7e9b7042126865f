/*
 * The Linux TEE's server: clients on a socket, one process a TA instance.
 * Single-threaded around epoll; nothing in it waits for a client or a TA.
 *
 * Where TAs come from and what the pseudo-TA does are interfaces, so that
 * tests run the same server on a folder of images.
 */
#ifndef PST_TEE_H
#define PST_TEE_H

#include "../wire.h"

/* Connections, and with them sessions; one user may hold half of them. */
#define PST_TEE_CLIENTS_MAX 128
#define PST_TEE_CLIENTS_PER_USER_MAX 64
/* Processes; each may have PST_SANDBOX_SPACE_BYTES. */
#define PST_TEE_INSTANCES_MAX 32
/* A TA's image, held in memory while its process lives. */
#define PST_TEE_IMAGE_MAX (16u << 20)
/* Personalization data, held in memory while a TA has it open. */
#define PST_TEE_OBJECT_MAX PST_WIRE_MEMREF_MAX

#define PST_TEE_HELLO_MS 10000 /* a connection without a session */
#define PST_TEE_START_MS 20000 /* loading a TA */
#define PST_TEE_END_MS 5000    /* TA_DestroyEntryPoint */
#define PST_TEE_CALL_MS 60000  /* a call, unless options say otherwise */

/** What a component holds. */
struct pst_tee_content {
	uint64_t object; /* the catalog's */
	uint64_t size_bytes;
	int32_t digest_alg;
	size_t digest_len;
	uint8_t digest[64];
};

/** An installed TA. Two that differ in any field are different versions. */
struct pst_tee_ta {
	uint8_t uuid[16];
	uint64_t sequence; /* of its manifest; for people */
	struct pst_tee_content content;
};

/** Personalization data of a TA: an object in its TEE_STORAGE_PERSO. */
struct pst_tee_object {
	uint8_t id[PST_WIRE_OBJECT_ID_MAX];
	size_t id_len;
	struct pst_tee_content content;
};

struct pst_tee_catalog {
	void *ctx;
	/** @retval PST_ERR_NOT_FOUND  it is not installed */
	enum pst_err (*find)(
	    void *ctx, const uint8_t uuid[16], struct pst_tee_ta *out);
	/**
	 * The object of this TA with the smallest identifier; with `after`,
	 * that is larger. The order is by length, then by bytes.
	 *
	 * @param after  NULL: the first
	 * @retval PST_ERR_NOT_FOUND  there is none
	 */
	enum pst_err (*object_next)(void *ctx, const uint8_t uuid[16],
	    const struct pst_bytes *after, struct pst_tee_object *out);
	/** @retval PST_ERR_NOT_FOUND  this TA has no such object */
	enum pst_err (*object)(void *ctx, const uint8_t uuid[16],
	    struct pst_bytes id, struct pst_tee_object *out);
	/**
	 * Write a content to fd. It is checked against its digest here.
	 *
	 * @retval PST_ERR_STORE_DAMAGED  it is not what was installed
	 */
	enum pst_err (*copy)(
	    void *ctx, const struct pst_tee_content *content, int fd);
};

/** A TA inside the server's process. Answers at once. */
struct pst_tee_pseudo {
	void *ctx;
	uint8_t uuid[16];
	/** @return a TEEC_Result */
	uint32_t (*open)(void *ctx, uint64_t client, uint32_t uid);
	/** Fill in result and outputs; parameters' types are set already. */
	void (*invoke)(void *ctx, uint64_t client,
	    const struct pst_wire_msg *in, struct pst_wire_msg *out);
	void (*close)(void *ctx, uint64_t client);
};

struct pst_tee_options {
	const char *socket;   /* path to listen on */
	uint32_t socket_mode; /* permissions of it */
	const char *host;     /* path of postern-ta-host */
	uint32_t call_ms;     /* 0: PST_TEE_CALL_MS */
	struct pst_tee_catalog catalog;
	const struct pst_tee_pseudo *pseudo; /* may be NULL */
	/* told once it listens; may be NULL */
	void (*ready)(const char *socket);
};

/** One running TA instance, for a status. */
struct pst_tee_process {
	struct pst_tee_ta ta;
	uint32_t pid;
	uint32_t sessions;
	bool busy;
};

struct pst_tee;

/**
 * Listen. Nothing is served before pst_tee_run.
 *
 * @param options  kept
 * @return NULL after a message on standard error
 */
struct pst_tee *pst_tee_new(const struct pst_tee_options *options);

/**
 * Serve until SIGTERM, SIGINT or SIGHUP.
 *
 * @retval PST_OK  a signal ended it
 */
enum pst_err pst_tee_run(struct pst_tee *tee) PST_MUST_CHECK;

/** End every TA process, remove the socket, free. */
void pst_tee_free(struct pst_tee *tee);

/** One line of the log, on standard error. */
void pst_tee_log(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/** Tell the server that the catalog changed: removed TAs end. */
void pst_tee_catalog_changed(struct pst_tee *tee);

/**
 * The next TA process.
 *
 * @param cursor  0 at first; changed by each call
 * @return false when there are no more
 */
bool pst_tee_process_next(
    const struct pst_tee *tee, size_t *cursor, struct pst_tee_process *out);

#endif
