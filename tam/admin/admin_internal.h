/*
 * What the files of the admin API share: admin.c (socket, requests, answers),
 * admin_route.c (paths and queries), admin_json.c (reading and writing
 * values) and, for each kind of resource, a file with its rows of the table
 * of routes.
 */
#ifndef POSTERN_TAM_ADMIN_INTERNAL_H
#define POSTERN_TAM_ADMIN_INTERNAL_H

#include <jansson.h>

#include <tam/admin/admin.h>

enum {
	PST_ADMIN_ARGS_MAX = 2, /* names in a path */
	PST_ADMIN_NAME_LEN = PST_TAM_NAME_MAX + 1,
	PST_ADMIN_TEXT_LEN = 2048, /* a query value; a component as text fits */
	PST_ADMIN_WHO_LEN = 64,
	PST_ADMIN_ALLOW_LEN = 64 /* the methods of one resource */
};

/** Query parameters, as bits of what a route allows. */
enum pst_admin_query {
	PST_ADMIN_Q_LIMIT = 1,
	PST_ADMIN_Q_CURSOR = 2,
	PST_ADMIN_Q_COMPONENT = 4,
	PST_ADMIN_Q_SCOPE = 8,
	PST_ADMIN_Q_TARGET = 16
};
#define PST_ADMIN_Q_PAGE (PST_ADMIN_Q_LIMIT | PST_ADMIN_Q_CURSOR)

/** One call: what was asked, and what is answered. */
struct pst_admin_call {
	struct pst_tam_store *store;
	struct pst_tam_reader *reader;
	const struct pst_crypto *crypto;
	const char *uri;		     /* the TAM's, or NULL */
	const struct pst_signer *result_key; /* of its Verifier */
	uint32_t result_life_s;
	char who[PST_ADMIN_WHO_LEN];
	uint64_t now_s;

	char arg[PST_ADMIN_ARGS_MAX]
		[PST_ADMIN_NAME_LEN]; /* names in the path */
	unsigned query;		      /* admin_query bits that are there */
	size_t limit;
	int64_t after;
	char component[PST_ADMIN_TEXT_LEN];
	char scope[16];
	char target[PST_ADMIN_NAME_LEN];
	json_t *in;	       /* an object, when the route takes JSON */
	struct pst_bytes body; /* when it takes bytes */

	unsigned status;	     /* of success; 200 unless set */
	json_t *out;		     /* NULL with 204 */
	char note[PST_TAM_NOTE_MAX]; /* why it failed; may be empty */
};

enum pst_admin_body {
	PST_ADMIN_NO_BODY,
	PST_ADMIN_JSON,
	PST_ADMIN_ENVELOPE,
	PST_ADMIN_FILE
};

struct pst_admin_route {
	const char *method;
	const char *path; /* "/devices/x", with a star for a name */
	unsigned query;	  /* what is allowed */
	enum pst_admin_body body;
	enum pst_err (*run)(struct pst_admin_call *c);
};

/* Ended by a row with method NULL. */
extern const struct pst_admin_route pst_admin_device_routes[];
extern const struct pst_admin_route pst_admin_result_routes[];
extern const struct pst_admin_route pst_admin_enroll_routes[];
extern const struct pst_admin_route pst_admin_evidence_routes[];
extern const struct pst_admin_route pst_admin_group_routes[];
extern const struct pst_admin_route pst_admin_component_routes[];
extern const struct pst_admin_route pst_admin_anchor_routes[];
extern const struct pst_admin_route pst_admin_endorsement_routes[];
extern const struct pst_admin_route pst_admin_node_routes[];

/* --- paths and queries (admin_route.c) --------------------------------- */

/**
 * The route of a call; names of the path go to call->arg.
 *
 * @param url    as sent, without the query; not decoded
 * @param allow  PST_ADMIN_ALLOW_LEN bytes; when the resource exists and the
 *               method does not: the methods it has, else empty
 * @return NULL when there is none
 */
const struct pst_admin_route *pst_admin_route_find(struct pst_admin_call *call,
    const char *url, const char *method, char *allow, size_t cap);

/**
 * Take one query parameter, not decoded.
 *
 * @return false when it is refused; call->note says why
 */
bool pst_admin_query_take(struct pst_admin_call *call,
    const struct pst_admin_route *route, const char *key, const char *val);

/** Decimal digits and nothing else, clearly below max. */
bool pst_admin_number(const char *text, int64_t max, int64_t *out);

/* --- devices (admin_devices.c, admin_enroll.c) ------------------------- */

/** What a call about one device, by its name in the path, ended with. */
enum pst_err pst_admin_about_device(
    struct pst_admin_call *c, enum pst_err err) PST_MUST_CHECK;
/** Answer with a device: by its number, 201 when it is new; by the path. */
enum pst_err
pst_admin_device_by_id(struct pst_admin_call *c, int64_t id) PST_MUST_CHECK;
enum pst_err pst_admin_device_by_name(struct pst_admin_call *c) PST_MUST_CHECK;
/** Put the list of a device's attesters into its JSON. */
enum pst_err pst_admin_attesters(
    struct pst_admin_call *c, int64_t device, json_t *out) PST_MUST_CHECK;

/* --- values (admin_json.c) --------------------------------------------- */

/** A string; text that is not UTF-8 becomes "?". */
json_t *pst_admin_text(const char *text);
/** RFC 3339, or null for 0. */
json_t *pst_admin_time(uint64_t s);
json_t *pst_admin_hex(struct pst_bytes b);
/** "sha-256:HEX", or null without a digest. */
json_t *pst_admin_digest(const struct pst_suit_digest *d);
/** An encoded identifier in its text form. */
json_t *pst_admin_component(struct pst_bytes id);
/** A public key: algorithm and thumbprint; never more than that. */
json_t *pst_admin_key(struct pst_admin_call *c, const struct pst_pubkey *key);

/** Read a component's text form; the note says why not. */
enum pst_err
pst_admin_component_read(struct pst_admin_call *c, const char *text,
    uint8_t out[PST_SUIT_ID_MAX], struct pst_bytes *id) PST_MUST_CHECK;
/** Read a public key in PEM or JWK. Private and published ones are refused. */
enum pst_err pst_admin_key_read(struct pst_admin_call *c, const char *text,
    struct pst_pubkey *out) PST_MUST_CHECK;
/** Take c->in apart as json_unpack does; surplus members are refused. */
enum pst_err
pst_admin_unpack(struct pst_admin_call *c, const char *fmt, ...) PST_MUST_CHECK;
/** Refuse, with a note. */
enum pst_err pst_admin_refuse(struct pst_admin_call *c, enum pst_err err,
    const char *fmt, ...) __attribute__((format(printf, 3, 4))) PST_MUST_CHECK;

/** A page of a listing in the making. */
struct pst_admin_page {
	struct pst_admin_call *c;
	json_t *items;
	int64_t last;
	bool more;
};

/** How many rows to ask the store for: one more tells whether more follow. */
size_t pst_admin_page_begin(struct pst_admin_page *p, struct pst_admin_call *c);
/** Take a row; item is owned. @return whether to go on */
bool pst_admin_page_add(struct pst_admin_page *p, int64_t id, json_t *item);
/** Make it the call's answer; passes err on. */
enum pst_err
pst_admin_page_end(struct pst_admin_page *p, enum pst_err err) PST_MUST_CHECK;

#endif
