/*
 * The admin API: HTTP and JSON under /api/v1 on a UNIX socket that only its
 * owner may use. docs/admin-api.md lists the resources.
 */
#ifndef POSTERN_TAM_ADMIN_H
#define POSTERN_TAM_ADMIN_H

#include <tam/log.h>
#include <tam/node/node.h>

/* Rows of one listing: without ?limit=, and at most. */
#define PST_ADMIN_LIMIT 100
#define PST_ADMIN_LIMIT_MAX 1000
#define PST_ADMIN_JSON_MAX 65536 /* bytes of a JSON body */

struct pst_admin;

struct pst_admin_config {
	const char *path; /* of the socket; replaced when it exists */
	const char *uri;  /* by which agents reach the TAM, or NULL. Kept. */
	struct pst_tam_node *node; /* kept */
	const struct pst_log *log; /* kept */
};

/**
 * Start serving, in one thread of its own.
 *
 * @param note  one line that says why not
 */
enum pst_err
pst_admin_start(struct pst_admin **out, const struct pst_admin_config *config,
    char note[PST_TAM_NOTE_MAX]) PST_MUST_CHECK;

/** Finish the request under way, close, remove the socket. */
void pst_admin_free(struct pst_admin **admin);

#endif
