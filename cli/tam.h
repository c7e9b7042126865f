/*
 * What the files of `postern tam` share: options, and calls to a running
 * server over its admin socket.
 */
#ifndef PST_CLI_TAM_H
#define PST_CLI_TAM_H

#include <jansson.h>

#include "cli.h"

#define TAM_STATE "/var/lib/postern/tam"

enum { TAM_PREFIXES_MAX = 64 };

/** Options, as bits of what a subcommand knows. */
enum tam_option {
	TAM_JSON = 1,
	TAM_KEY = 2,
	TAM_KIND = 4,
	TAM_PREFIX = 8,
	TAM_TO = 16,
	TAM_ON_REQUEST = 32,
	TAM_REMOVE = 64,
	TAM_LIMIT = 128,
	TAM_FAILED = 256,
	TAM_TECHNOLOGY = 512,
	TAM_IDENTITY = 1024,
	TAM_CERTIFICATE = 2048,
	TAM_ATTESTER = 1 << 13,
	TAM_FORMAT = 1 << 12,
	TAM_FILE = 1 << 14,
	TAM_REMEDIATION = 1 << 15
};

struct tam_args {
	const char *command; /* argv[0], for cli_usage */
	const char *state;
	bool json;
	bool on_request, remediation;
	bool remove;
	bool failed;
	long limit; /* 0: all */
	const char *key, *kind, *to;
	const char *format; /* jwt or cwt; NULL: not given */
	const char *technology, *identity, *certificate, *attester;
	const char *file; /* of a Verifier's anchor or Reference Values */
	const char *prefix[TAM_PREFIXES_MAX];
	size_t prefixes;
	int count; /* operands */
	char **word;
};

/**
 * Read options and count operands.
 *
 * @param allowed  tam_option bits; --state is always known
 * @return CLI_DONE or CLI_USAGE, which was explained
 */
int tam_parse(struct tam_args *a, int argc, char **argv, unsigned allowed,
    int from, int to);

/** The state folder: --state, the environment, or the default. */
const char *tam_state(const char *given);

/**
 * Call the server.
 *
 * @param path  "/devices/..." with a star where an operand stands, escaped
 * @param one, two  the operands; NULL when there is no star
 * @param type  of the body; NULL: no body
 * @param out   set to the answer, NULL for 204; may be NULL
 * @param status  set to the HTTP status; may be NULL
 * @return CLI_DONE, or CLI_REFUSED after saying why
 */
struct tam_request {
	const char *method;
	const char *path;
	const char *one, *two;
	const char *query; /* escaped, or NULL */
	const char *type;
	const void *body;
	size_t len;
	bool quiet_404; /* the caller explains */
};
int tam_call(const struct tam_args *a, const struct tam_request *r,
    json_t **out, long *status);

/** Likewise with a JSON body, which is owned. */
int tam_send(const struct tam_args *a, const char *method, const char *path,
    const char *one, json_t *body, json_t **out, long *status);

/** Escape for a path or a query; from malloc. */
char *tam_escape(const char *text);

/** Prints one item of a listing. */
typedef void tam_print(const json_t *item);
/** Print a listing, page by page: with --json as one array. */
int tam_list(const struct tam_args *a, const char *path, const char *one,
    const char *heading, tam_print *print);
/** Several listings one after another; with --json still one array. */
struct tam_source {
	const char *path, *one, *heading;
	tam_print *print;
};
int
tam_lists(const struct tam_args *a, const struct tam_source *sources, size_t n);
/** Show an item: with --json as it is. Owned. */
int tam_show(const struct tam_args *a, json_t *item, tam_print *print);

/** A member's text; "-" when it is null or absent. */
const char *tam_text(const json_t *o, const char *member);
/** A public key file as PEM text for the server; from malloc. */
int tam_public_key(const char *path, char **pem);

/** postern tam devices evidence NAME */
int tam_device_evidence(const struct tam_args *a, const char *name);

/** postern tam devices result NAME */
int tam_device_result(const struct tam_args *a, const char *name);

/* Files for the Verifier in process, as `postern tam anchors` handles them. */
bool tam_is_file_kind(const char *kind);
void tam_print_file(const json_t *o);
int tam_add_file(const struct tam_args *a, const char *name);
int tam_show_file(const struct tam_args *a, const char *name);
int tam_remove_file(const struct tam_args *a, const char *name);

/* Subcommands; their help stands beside them. */
int tam_serve(int argc, char **argv);
int tam_status(int argc, char **argv);
int tam_publish(int argc, char **argv);
int tam_devices(int argc, char **argv);
int tam_enroll(const struct tam_args *a, const char *name);
int tam_add_key(const struct tam_args *a, const char *name);
int tam_remove_key(const struct tam_args *a, const char *name);
int tam_components(int argc, char **argv);
int tam_groups(int argc, char **argv);
int tam_assign(int argc, char **argv);
int tam_anchors(int argc, char **argv);
int tam_audit(int argc, char **argv);

#endif
