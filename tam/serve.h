/*
 * The TAM's server: a node, the TEEP endpoint in front of it, and the admin
 * API on a UNIX socket. Runs until SIGTERM or SIGINT.
 */
#ifndef POSTERN_TAM_SERVE_H
#define POSTERN_TAM_SERVE_H

#include <tam/engine/engine.h>
#include <tam/log.h>

#define PST_TAM_LISTEN "127.0.0.1:8080"

struct pst_tam_serve {
	const char *dir;    /* state folder; made when it is not there */
	const char *listen; /* "ADDRESS:PORT"; port 0: any */
	const char *uri;    /* by which agents reach it; NULL: not told */
	const char *cert;   /* PEM files for TLS, or NULL */
	const char *key;
	bool insecure_http; /* plain HTTP beyond this host */
	unsigned threads;   /* 0: one a core */
	unsigned connections_max;
	unsigned per_address_max;
	unsigned request_s; /* for a client to send a request */
	/* a Verifier elsewhere that judges Evidence; NULL: in process */
	const char *verifier;	  /* its URI */
	const char *verifier_key; /* file of the key that signs its results */
	const char *verifier_ca;  /* PEM, its only CAs; NULL: the system's */
	unsigned verifier_s;	  /* for its answer, all tries together */
	enum pst_log_level level;
	struct pst_tam_policy policy; /* of the engine */
};

/** Set the defaults; dir is left NULL. */
void pst_tam_serve_init(struct pst_tam_serve *s);

/**
 * Serve. Prints "listening on ADDRESS:PORT" on stdout when ready; SIGHUP
 * reads the certificate again; SIGTERM and SIGINT finish what is under way
 * and return. These signals stay blocked, so that a second one does not turn
 * a clean end into a kill: the program is expected to exit.
 *
 * @return 0 after a clean end, 1 when it could not serve: stderr says why
 */
int pst_tam_serve_run(const struct pst_tam_serve *s);

#endif
