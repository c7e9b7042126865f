/*
 * What the files of the admin API share: admin.c (socket, requests, answers),
 * admin_json.c (reading and writing values) and one file for each kind of
 * resource with its rows of the table of routes.
 */
#ifndef POSTERN_TAM_ADMIN_INTERNAL_H
#define POSTERN_TAM_ADMIN_INTERNAL_H

#include <jansson.h>

#include <tam/admin.h>

enum {
	ADMIN_ARGS_MAX = 2, /* names in a path */
	ADMIN_NAME_LEN = PST_TAM_NAME_MAX + 1,
	ADMIN_TEXT_LEN = 2048, /* a query value; a component as text fits */
	ADMIN_WHO_LEN = 64
};

/** Query parameters, as bits of what a route allows. */
enum admin_query {
	ADMIN_Q_LIMIT = 1,
	ADMIN_Q_CURSOR = 2,
	ADMIN_Q_COMPONENT = 4,
	ADMIN_Q_SCOPE = 8,
	ADMIN_Q_TARGET = 16
};
#define ADMIN_Q_PAGE (ADMIN_Q_LIMIT | ADMIN_Q_CURSOR)

/** One call: what was asked, and what is answered. */
struct admin_call {
	struct pst_tam_store *store;
	struct pst_tam_reader *reader;
	const struct pst_crypto *crypto;
	const char *uri; /* the TAM's, or NULL */
	char who[ADMIN_WHO_LEN];
	uint64_t now_s;

	char arg[ADMIN_ARGS_MAX][ADMIN_NAME_LEN]; /* names in the path */
	unsigned query; /* admin_query bits that are there */
	size_t limit;
	int64_t after;
	char component[ADMIN_TEXT_LEN];
	char scope[16];
	char target[ADMIN_NAME_LEN];
	json_t *in;	       /* an object, when the route takes JSON */
	struct pst_bytes body; /* when it takes bytes */

	unsigned status;	     /* of success; 200 unless set */
	json_t *out;		     /* NULL with 204 */
	char note[PST_TAM_NOTE_MAX]; /* why it failed; may be empty */
};

enum admin_body { ADMIN_NO_BODY, ADMIN_JSON, ADMIN_ENVELOPE };

struct admin_route {
	const char *method;
	const char *path; /* "/devices/x", with a star for a name */
	unsigned query;	  /* what is allowed */
	enum admin_body body;
	enum pst_err (*run)(struct admin_call *c);
};

/* Ended by a row with method NULL. */
extern const struct admin_route admin_device_routes[];
extern const struct admin_route admin_group_routes[];
extern const struct admin_route admin_component_routes[];
extern const struct admin_route admin_anchor_routes[];
extern const struct admin_route admin_node_routes[];

/* --- values (admin_json.c) --------------------------------------------- */

/** A string; text that is not UTF-8 becomes "?". */
json_t *admin_text(const char *text);
/** RFC 3339, or null for 0. */
json_t *admin_time(uint64_t s);
json_t *admin_hex(struct pst_bytes b);
/** "sha-256:HEX", or null without a digest. */
json_t *admin_digest(const struct pst_suit_digest *d);
/** An encoded identifier in its text form. */
json_t *admin_component(struct pst_bytes id);
/** A public key: algorithm and thumbprint; never more than that. */
json_t *admin_key(struct admin_call *c, const struct pst_pubkey *key);

/** Read a component's text form; the note says why not. */
enum pst_err admin_component_read(struct admin_call *c, const char *text,
    uint8_t out[PST_SUIT_ID_MAX], struct pst_bytes *id) PST_MUST_CHECK;
/** Read a public key in PEM or JWK. Private and published ones are refused. */
enum pst_err admin_key_read(struct admin_call *c, const char *text,
    struct pst_pubkey *out) PST_MUST_CHECK;
/** Take c->in apart as json_unpack does; surplus members are refused. */
enum pst_err
admin_unpack(struct admin_call *c, const char *fmt, ...) PST_MUST_CHECK;
/** Refuse, with a note. */
enum pst_err admin_refuse(struct admin_call *c, enum pst_err err,
    const char *fmt, ...) __attribute__((format(printf, 3, 4))) PST_MUST_CHECK;

/** A page of a listing in the making. */
struct admin_page {
	struct admin_call *c;
	json_t *items;
	int64_t last;
	bool more;
};

/** How many rows to ask the store for: one more tells whether more follow. */
size_t admin_page_begin(struct admin_page *p, struct admin_call *c);
/** Take a row; item is owned. @return whether to go on */
bool admin_page_add(struct admin_page *p, int64_t id, json_t *item);
/** Make it the call's answer; passes err on. */
enum pst_err
admin_page_end(struct admin_page *p, enum pst_err err) PST_MUST_CHECK;

#endif
