/*
 * What the agent asks of storage and time. Both are synchronous and local.
 */
#ifndef POSTERN_STORE_H
#define POSTERN_STORE_H

#include <postern/base.h>

/**
 * A store holds one registry (a few KiB that the agent encodes) and any number
 * of objects (component contents, by number). Objects are written first and
 * become meaningful when a registry that names them is committed: that is the
 * one atomic step.
 */
struct pst_store {
	void *ctx;

	/**
	 * Load the registry that was last committed.
	 *
	 * @param len  its size; 0 for a new store
	 * @retval PST_ERR_STORE_DAMAGED  it fails its integrity check
	 */
	enum pst_err (*load)(void *ctx, uint8_t *buf, size_t cap, size_t *len);

	/**
	 * Replace the registry in one step: after a cut at any point a load
	 * gives the old or the new one. Durable when it returns PST_OK, and so
	 * are all objects that were finished before.
	 */
	enum pst_err (*commit)(void *ctx, struct pst_bytes registry);

	/** Make an empty object; what was under this number is dropped. */
	enum pst_err (*object_create)(void *ctx, uint64_t id);
	/** Append. PST_ERR_STORE_FULL leaves the object as it was. */
	enum pst_err (*object_append)(
	    void *ctx, uint64_t id, struct pst_bytes chunk);
	/** Make an object durable. */
	enum pst_err (*object_finish)(void *ctx, uint64_t id);
	/** Read at most cap bytes from `at`; *len 0 at the end. */
	enum pst_err (*object_read)(void *ctx, uint64_t id, uint64_t at,
	    uint8_t *out, size_t cap, size_t *len);
	enum pst_err (*object_size)(void *ctx, uint64_t id, uint64_t *bytes);
	/** Remove; PST_OK when it is not there. */
	enum pst_err (*object_remove)(void *ctx, uint64_t id);
	/**
	 * The smallest object number that is at least *id, for collecting
	 * what no registry names. PST_ERR_NOT_FOUND when there is none.
	 */
	enum pst_err (*object_next)(void *ctx, uint64_t *id);
};

struct pst_clock {
	void *ctx;
	/** Seconds since 1970, and whether a device can rely on them. */
	enum pst_err (*now)(void *ctx, uint64_t *seconds, bool *trusted);
};

#endif
