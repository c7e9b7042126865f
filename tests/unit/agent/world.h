/*
 * A device and its TAMs for tests: one agent over ports that break on demand,
 * two TAMs and two signers with fresh keys, and manifests made here byte by
 * byte, so that the agent is not tested with its own ideas.
 */
#ifndef AGENT_WORLD_H
#define AGENT_WORLD_H

#include <mem.h>
#include <ports/openssl/openssl.h>
#include <postern/agent_state.h>

/* Encoded component identifiers, [h'aa', 'x'] and the like. */
#define ID(s) PST_BYTES_LIT("\x82\x41" s)
#define HELLO ID("\xaa\x42ta")
#define HELLO_DATA \
	ID("\xaa\x44" \
	   "data")
#define HELLO_MANIFEST ID("\xaa\x48manifest")
#define WORLD ID("\xbb\x42ta")
#define WORLD_MANIFEST ID("\xbb\x48manifest")
#define PREFIX_AA PST_BYTES_LIT("\x81\x41\xaa")
#define PREFIX_BB PST_BYTES_LIT("\x81\x41\xbb")

/* TAMs: ONE reaches aa and bb, TWO reaches bb. The STRANGER is no anchor. */
enum { ONE = 0, TWO = 1, STRANGER = 2, TAMS = 3 };
/* Signers: ANNE signs for aa and bb, BOB for bb, MAC shares a secret and
 * reaches aa; EVE is no anchor. */
enum { ANNE = 0, BOB = 1, MAC = 2, EVE = 3, SIGNERS = 4, ANCHORS = 3 };

#define URI_ONE PST_BYTES_LIT("https://one.example/tam")
#define URI_TWO PST_BYTES_LIT("https://two.example/tam")

/* How a scenario is driven; every case runs in all of them. */
struct world_mode {
	const char *name;
	size_t chunk; /* bytes a fetch brings at a time */
	bool rebuild; /* the engine is destroyed after every call */
};

struct world_image {
	struct pst_bytes id;
	struct pst_bytes payload;
	const char *uri; /* NULL: not fetched, must be there already */
	bool integrated;
	bool wrong; /* the server has something else under this URI */
	/* it comes encrypted to the device, by A128GCM */
	bool sealed;
	struct pst_bytes info, ciphertext; /* once the manifest is made */
};

/* What the uninstall section does, for each component. */
enum world_uninstall {
	WORLD_UNLINKS = 0,
	WORLD_MATCHES, /* and leaves the unlinking to the agent */
	WORLD_ABORTS,
	WORLD_FETCHES
};

/* A manifest; zero is the ordinary case. */
struct world_manifest {
	struct pst_bytes id; /* manifest-component-id; empty: none */
	uint64_t sequence;
	int signer;
	size_t count;
	struct world_image image[2];
	const char *text; /* makes another digest of the same content */
	bool other_vendor;
	enum world_uninstall uninstall;
	struct pst_bytes set_version; /* encoded; empty: none */
	struct pst_bytes first; /* commands before those of install, encoded */
	size_t first_count;	/* items of them, two a command */
	bool unlink_first;   /* the install section unlinks before it fetches */
	bool unlink_between; /* a fetch that matched and matching again */
	bool for_device;     /* by its device identifier and slot */
	bool other_slot;
	bool no_size;	      /* image-size is not set */
	struct pst_bytes raw; /* a whole envelope instead of all this */
};

struct world_update {
	int tam;
	const char *token; /* NULL: none */
	size_t manifests;
	struct world_manifest manifest[2];
	size_t unneeded;
	struct pst_bytes unlink[2];
	uint32_t err_code;
	struct pst_bytes result;
};

struct world {
	struct world_mode mode;
	struct pst_openssl *device, *outside;
	struct pst_mem_store store;
	struct pst_mem_clock clock;
	struct pst_mem_crypto crypto;
	struct pst_mem_attester attester;
	/* tables behind the ports */
	struct pst_store store_port;
	struct pst_clock clock_port;
	struct pst_crypto crypto_port;
	struct pst_attester attester_port;
	struct pst_signer tam_key[TAMS];
	struct pst_pubkey tam_pub[TAMS];
	struct pst_signer signer_key[SIGNERS];
	struct pst_pubkey signer_pub[SIGNERS];
	struct pst_agent_tam tams[2];
	struct pst_agent_signer signers[ANCHORS];
	uint32_t mac_secret; /* the device's number for what MAC shares */
	uint32_t kek;	     /* what payloads are encrypted to, outside */
	struct pst_agent_secret secret; /* the same key in the device */
	struct pst_agent_config config;
	struct pst_agent_memory memory;
	struct pst_agent agent;
	bool open;
	/* payloads by URI, of all manifests made so far */
	struct world_image served[16];
	size_t served_count;
	uint32_t fetches; /* effects that asked for a payload */
	bool unreachable; /* fetches fail */
	bool late;	  /* the store fails after a commit, not before */
	/* the last answer */
	enum pst_err err;
	struct pst_agent_out out;
	struct pst_teep_message answer;
	uint8_t answer_bytes[16384];
	size_t answer_len;
};

extern struct world w;

/** Keys, once a program. */
bool world_init(void);
void world_done(void);

/** An empty device. */
bool world_begin(void);
/** Destroy the engine and make it again over the same store. */
enum pst_err world_reopen(void);

/** Messages, in a buffer that the next but three calls reuse. */
struct pst_bytes world_make_update(const struct world_update *u);
struct pst_bytes world_make_query(int tam, const struct pst_teep_message *m);
struct pst_bytes world_sign(int tam, struct pst_bytes payload);
struct pst_bytes world_make_manifest(const struct world_manifest *m);
/** Let the server have a payload. */
void world_serve(const struct world_image *image);

/** A manifest with one fetched image, HELLO. */
struct world_manifest world_hello(uint64_t sequence, const char *payload);

/**
 * Hand a message to the agent and do what it says until it is done or has
 * something to send; the answer is verified and decoded.
 */
void world_send(int tam, struct pst_bytes message);
void world_update(const struct world_update *u);
/** Update ONE with a token and one manifest. */
void world_install(const char *token, const struct world_manifest *m);
/** Carry out what the agent returned. */
void world_drive(void);

/** Has the last answer this type, and for an Error this code? */
bool world_success(void);
bool world_failed(enum pst_teep_code code, enum pst_err reason);

/** The content of an installed component is exactly this; NULL: none is. */
bool world_holds(struct pst_bytes id, const char *content);
/** Objects in the store are those that the registry names. */
bool world_tidy(void);
/** The first report of the answer. */
bool world_report(struct pst_suit_report_view *out);

#endif
