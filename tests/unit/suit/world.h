/*
 * A device in memory for tests of SUIT: components with content, identities,
 * rights, payloads on a server. It logs what it was asked to change.
 */
#ifndef SUIT_WORLD_H
#define SUIT_WORLD_H

#include <postern/suit.h>

enum {
	WORLD_COMPONENTS = 80,
	WORLD_PAYLOADS = 16,
	WORLD_PARAMS = 512,
	WORLD_REBUILDS = 2000,
	WORLD_WAITS = 9,
	WORLD_SWAPS = 64,
	WORLD_RIGHTS = 16,
	WORLD_OTHERS = 4
};

struct world_component {
	uint8_t name[PST_SUIT_ID_MAX];
	size_t name_len;
	uint8_t *data;
	size_t len;
	uint8_t *next; /* what is being written; others see data until then */
	size_t next_len;
	bool present;  /* has content */
	bool open;     /* write_begin, not write_end */
	bool complete; /* write_end was called in this transaction */
	uint8_t uri[PST_SUIT_URI_MAX]; /* of the fetch that filled it */
	size_t uri_len;
	struct pst_bytes info; /* its encryption-info; views the manifest */
	uint64_t slot;
	bool has_slot;
	int unlinks, invokes;
	uint8_t version[64]; /* encoded; empty: it has none */
	size_t version_len;
};

/* A signer may act on a component, or only set one parameter of it. */
struct world_right {
	uint32_t who;
	struct pst_bytes name;
	int64_t parameter; /* 0: any act */
};

struct world_payload {
	const char *uri;
	struct pst_bytes data;
};

struct world {
	struct pst_suit_host host;
	struct world_component c[WORLD_COMPONENTS];
	size_t count;
	struct pst_bytes vendor, class_id, device; /* empty: matches anything */
	/* a command that is refused, on the component with this name */
	int64_t refuse; /* INT64_MIN: none; 0: the component as such */
	struct pst_bytes refuse_name; /* empty: any */
	enum pst_err refuse_with;
	/* who may do what; none: everybody everything */
	struct world_right rights[WORLD_RIGHTS];
	size_t rights_count;
	struct pst_bytes others[WORLD_OTHERS]; /* others refer to these */
	size_t others_count;
	uint64_t oldest; /* sequence number of a dependency that is taken */
	enum pst_err fail_write; /* what every write answers */
	size_t read_max;	 /* bytes of one read at most; 0: all */
	/* facts for update management */
	uint64_t now_s, battery_mwh;
	bool no_clock;	      /* the time cannot be relied on */
	int64_t priority_max; /* updates up to this one are authorised */
	int events_after;     /* waits until events come; -1: never */
	enum pst_suit_event no_event; /* one that is not supported */
	int waits;
	struct world_component *swapped[WORLD_SWAPS][2]; /* in this run */
	size_t swaps;
	struct world_payload payload[WORLD_PAYLOADS];
	size_t payload_count;
	/* for a URI that is not listed: its first image-size bytes */
	struct pst_bytes serve_any;
	char log[4096]; /* "begin 0, write 3, end 0, " and so on */
	size_t log_len;
	uint64_t now_index;	    /* index that is being written */
	struct pst_bytes next_info; /* of the fetch that was asked about last */
	int authorised;		    /* calls */
	/* working memory of a run */
	struct pst_suit_param params[WORLD_PARAMS];
	uint8_t work[512];
	_Alignas(8) uint8_t arena[65536];
	const struct pst_keys *keys; /* of dependencies, and of the device */
	struct pst_suit_memory memory;
	/* how payloads are delivered */
	size_t chunk; /* bytes a time; 0: all at once */
	bool rebuild; /* destroy the run at each suspension, WORLD_REBUILDS
			 times */
	struct pst_suit_run run;
	struct pst_suit_report report;
	uint8_t records[4096];
	int suspensions;
	struct pst_bytes fetched_uri; /* of the last suspension */
};

void world_init(struct world *w);

/**
 * Give the device the custom command -300, a condition that holds for an
 * argument of the component's parameter -300, and fetch-arguments.
 */
void world_custom(struct world *w);
void world_free(struct world *w);

/** The component of this name, made when it is new. */
struct world_component *world_find(struct world *w, struct pst_bytes name);

/** Give a component content, as if it had been installed before. */
void
world_install(struct world *w, struct pst_bytes name, struct pst_bytes content);

/** A payload that can be fetched; both are kept. */
void world_serve(struct world *w, const char *uri, struct pst_bytes data);

/** Is this what the component holds? */
bool
world_holds(struct world *w, struct pst_bytes name, struct pst_bytes content);

/** Begin a run with what the world has. */
enum pst_err world_begin(struct world *w, struct pst_suit_run *run,
    const struct pst_suit_manifest *m, const struct pst_crypto *crypto);

/**
 * Begin a run, run the sections (a list ending with 0) and end it, delivering
 * payloads as w says. A URI that nobody serves answers PST_ERR_FETCH.
 */
enum pst_err world_run(struct world *w, const struct pst_suit_manifest *m,
    const struct pst_crypto *crypto, const int *sections);

/** The sections of an update: 16, 20, 7. */
extern const int world_update[];

#endif
