/*
 * The sandbox of a TA process, in the order in which it is put on:
 *
 *   pst_sandbox_enter   limits, no new privileges, namespaces of its own with
 *                       an empty root, Landlock, no capabilities, no root user
 *   pst_sandbox_filter  seccomp allow-list; the TA's image can be loaded
 *   (dlopen)            constructors of the TA run inside all of this
 *   pst_sandbox_seal    no further code can be mapped, nothing be loaded
 *
 * Namespaces and Landlock are had where the kernel allows them; the filter is
 * always on and alone suffices to keep files and network away.
 */
#ifndef PST_SANDBOX_H
#define PST_SANDBOX_H

#include <postern/base.h>

/* The name under which the loader finds the image; there is no such file. */
#define PST_SANDBOX_IMAGE "/trusted-application"

/* Address space: the TA's heap and this on top, for code, stacks and
 * parameters (four of 4 MiB, twice). */
#define PST_SANDBOX_SPACE_BYTES (256ull << 20)

/** What could be had, for the log. */
struct pst_sandbox {
	bool network; /* a network namespace without any interface */
	bool root;    /* an empty root */
	bool landlock;
};

/**
 * @param got  set to what the kernel allowed
 * @retval PST_ERR_STATE  a part that must always work failed
 */
enum pst_err pst_sandbox_enter(struct pst_sandbox *got) PST_MUST_CHECK;

/**
 * @param image  descriptor that PST_SANDBOX_IMAGE stands for
 */
enum pst_err pst_sandbox_filter(int image) PST_MUST_CHECK;

enum pst_err pst_sandbox_seal(void) PST_MUST_CHECK;

/** Is this a sanitizer's build? Its run-time needs more; see filter.c. */
extern const bool pst_sandbox_relaxed;

#endif
