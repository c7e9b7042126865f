/*
 * What the files of the interpreter share: run.c moves through sequences,
 * commands.c and content.c carry commands out, params.c keeps parameters,
 * tree.c knows the manifests of a run and their components.
 */
#ifndef PST_SUIT_RUN_H
#define PST_SUIT_RUN_H

#include "suit_internal.h"

enum phase { PHASE_IDLE, PHASE_RUNNING, PHASE_WAITING, PHASE_FAILED };

/* What a frame is. */
enum frame_kind { FRAME_SECTION, FRAME_TRY_EACH, FRAME_RUN_SEQUENCE };

/* What set-component-index last said in a frame (Section 6.5). */
enum index_kind { INDEX_NONE, INDEX_ONE, INDEX_LIST, INDEX_ALL };

/* Where set-component-index may stand (Section 6.7, run-sequence while
 * strict order is false). */
enum indexing { INDEXING_FREE, INDEXING_FIRST, INDEXING_NEVER };

/** One command about to be carried out for one component. */
struct pst_suit_command_now {
	int32_t id;
	uint32_t arg;	    /* offset of its argument in run->code */
	uint32_t index;	    /* of its component in run->m */
	uint32_t component; /* place */
	uint8_t policy;	    /* 0 for a command that has none */
	enum pst_err fault; /* its argument is no reporting policy */
	struct pst_bytes name;
};

typedef enum pst_err
pst_suit_action(struct pst_suit_run *run, const struct pst_suit_command_now *c);

/* commands.c and content.c: one function a command that is carried out at once
 * or, for fetch, answered with PST_ERR_AGAIN. */
pst_suit_action pst_suit_do_identify;
pst_suit_action pst_suit_do_image_match;
pst_suit_action pst_suit_do_image_not_match;
pst_suit_action pst_suit_do_check_content;
pst_suit_action pst_suit_do_slot;
pst_suit_action pst_suit_do_abort;
pst_suit_action pst_suit_do_fetch;
pst_suit_action pst_suit_do_write;
pst_suit_action pst_suit_do_copy;
pst_suit_action pst_suit_do_invoke;
pst_suit_action pst_suit_do_custom;
pst_suit_action pst_suit_do_unlink;
pst_suit_action pst_suit_do_swap;

/* management.c */
pst_suit_action pst_suit_do_use_before;
pst_suit_action pst_suit_do_minimum_battery;
pst_suit_action pst_suit_do_update_authorized;
pst_suit_action pst_suit_do_version;
pst_suit_action pst_suit_do_wait;

/** The argument of a custom command: bstr, tstr, int or nil. */
void pst_suit_custom_argument(struct pst_cbor_reader *r);

/** Values of parameters that are structures; each inside of its bstr. */
void pst_suit_wait_info_read(struct pst_cbor_reader *r);
void pst_suit_metadata_read(struct pst_cbor_reader *r);

/** The next bytes of the fetch that waits; last ends it. */
enum pst_err pst_suit_fetch_more(
    struct pst_suit_run *run, struct pst_bytes chunk, bool last) PST_MUST_CHECK;

/** Hash what comes next, with the algorithm of the component's digest so that
 * image-match need not read it again. */
enum pst_err
pst_suit_hash_begin(struct pst_suit_run *run, int32_t alg) PST_MUST_CHECK;

/** Nothing happens while nothing is hashed. */
enum pst_err pst_suit_hash_update(
    struct pst_suit_run *run, struct pst_bytes chunk) PST_MUST_CHECK;
enum pst_err pst_suit_hash_end(
    struct pst_suit_run *run, uint32_t component, int32_t alg) PST_MUST_CHECK;

/** Release the running hash, if there is one. */
void pst_suit_hash_drop(struct pst_suit_run *run);

/** The digest that the component is to have; false when none is set. */
bool pst_suit_wanted(const struct pst_suit_run *run, uint32_t component,
    struct pst_suit_digest *d);

/** The hash of the component's image-digest, SHA-256 when none is set. */
int32_t pst_suit_wanted_alg(const struct pst_suit_run *run, uint32_t component);

/** Read content into the work buffer; chunk is empty at the end. */
enum pst_err pst_suit_read_chunk(struct pst_suit_run *run, uint32_t component,
    struct pst_bytes name, uint64_t at, struct pst_bytes *chunk) PST_MUST_CHECK;

/** A host's answer that must not be taken for a failed condition, nor for a
 * payload that is awaited. */
static inline enum pst_err
pst_suit_hard(enum pst_err err)
{
	if (err == PST_ERR_SUIT_CONDITION || err == PST_ERR_AGAIN)
		return PST_ERR_SUIT_OPERATION;
	return err;
}

/** What is written next of the open component; never more than the image may
 * be. */
enum pst_err pst_suit_append(
    struct pst_suit_run *run, struct pst_bytes chunk) PST_MUST_CHECK;

/** What a component holds, or held that others came from, has changed. */
void pst_suit_origin_drop(struct pst_suit_run *run, uint32_t component);

/**
 * Something verified what the component holds: that counts for what it was
 * decrypted from as well.
 *
 * @param voucher  number of the manifest that said what it must hold
 */
void pst_suit_verified(
    struct pst_suit_run *run, uint32_t component, uint8_t voucher);

/** Number of the manifest that set a parameter; of the one that runs, when
 * none did. */
uint8_t pst_suit_setter(const struct pst_suit_run *run, uint32_t component,
    enum pst_suit_parameter label);

/* decrypt.c */

/** Is this a SUIT_Encryption_Info, whatever it is for? */
enum pst_err
pst_suit_encryption_info_check(struct pst_bytes info) PST_MUST_CHECK;

/** Is what it decrypts authenticated by a tag? */
bool pst_suit_encryption_info_aead(struct pst_bytes info);

/** Is encryption-info set? info is empty when it is not. */
bool pst_suit_encrypted(
    const struct pst_suit_run *run, uint32_t component, struct pst_bytes *info);

/** Find the content key: from here on the run is decrypting. */
enum pst_err pst_suit_decrypt_begin(
    struct pst_suit_run *run, struct pst_bytes info) PST_MUST_CHECK;

/** Decrypt a piece of the payload and append it to the open component. */
enum pst_err pst_suit_decrypt(
    struct pst_suit_run *run, struct pst_bytes chunk) PST_MUST_CHECK;

/** Likewise a piece of another component from byte `at`; *len is 0 at its
 * end. */
enum pst_err pst_suit_decrypt_read(struct pst_suit_run *run, uint32_t source,
    struct pst_bytes name, uint64_t at, size_t *len) PST_MUST_CHECK;

/** Check the tag, where there is one. */
enum pst_err pst_suit_decrypt_end(struct pst_suit_run *run) PST_MUST_CHECK;

/** Give up, and leave nothing of the plaintext in the work buffer. */
void pst_suit_decrypt_drop(struct pst_suit_run *run);

/* record.c */

#define PST_SUIT_POLICY_MAX 15 /* all four bits of a reporting policy */

/** Report what the policy of a command asks for, once it is carried out. */
void pst_suit_command_record(struct pst_suit_run *run,
    const struct pst_suit_command_now *c, bool success);

/* params.c */
pst_suit_action pst_suit_do_set_parameters;
pst_suit_action pst_suit_do_override_parameters;
pst_suit_action pst_suit_do_copy_params;

/** override-multiple; last is the component that it leaves as the present. */
enum pst_err pst_suit_override_multiple(
    struct pst_suit_run *run, uint32_t arg, uint32_t *last) PST_MUST_CHECK;

/**
 * Read a parameter's value and judge its type.
 *
 * @param count  components of the manifest
 */
enum pst_err pst_suit_param_check(
    struct pst_cbor_reader *r, int64_t label, size_t count) PST_MUST_CHECK;

/** Is it a parameter that this build takes? */
bool pst_suit_param_known(int64_t label);

/** The parameter of a place, or NULL. */
const struct pst_suit_param *pst_suit_param_find(
    const struct pst_suit_run *run, uint32_t component, int64_t label);

/** A reader at the value of a parameter; false when it is not set. */
bool pst_suit_param(const struct pst_suit_run *run, uint32_t component,
    enum pst_suit_parameter label, struct pst_cbor_reader *r);

/** A uint parameter, or what it is when it is not set. */
uint64_t pst_suit_param_uint(const struct pst_suit_run *run, uint32_t component,
    enum pst_suit_parameter label, uint64_t otherwise);

/** A bstr or tstr parameter; false when it is not set. */
bool pst_suit_param_string(const struct pst_suit_run *run, uint32_t component,
    enum pst_suit_parameter label, struct pst_bytes *out);

/** The frame that runs. */
static inline struct pst_suit_frame *
pst_suit_top(struct pst_suit_run *run)
{
	return &run->frames[run->depth - 1];
}

static inline void
pst_suit_set(uint64_t *words, uint32_t index)
{
	words[index / 64] |= (uint64_t)1 << (index % 64);
}

static inline void
pst_suit_clear(uint64_t *words, uint32_t index)
{
	words[index / 64] &= ~((uint64_t)1 << (index % 64));
}

/** Is the bit of a place set? */
static inline bool
pst_suit_is_set(const uint64_t *words, uint32_t place)
{
	return words[place / 64] >> (place % 64) & 1;
}

/* tree.c */

/** A dependency that was loaded; in the arena. */
struct pst_suit_loaded {
	struct pst_suit_manifest m;
	struct pst_suit_loaded *next;		     /* loaded before */
	struct pst_suit_component_place *components; /* m.index_count */
	struct pst_bytes envelope;
	struct pst_bytes prefix; /* of its components; empty: none */
	/* bit n: dependency-integrity holds in the context of manifest n */
	uint32_t contexts;
	uint8_t number;	    /* from 1 on */
	uint8_t dependent;  /* number of who loaded it */
	uint16_t component; /* and its index there */
	uint16_t place;	    /* of its envelope */
	bool uninstalled;   /* its suit-uninstall ran */
};
_Static_assert(PST_SUIT_DEPENDENCIES_MAX < 32, "manifests are bits");
_Static_assert(
    sizeof(struct pst_suit_loaded) <= PST_SUIT_LOADED_BYTES, "as documented");

struct pst_suit_component_place {
	const uint8_t *id;
	uint16_t id_len;
	uint16_t place;
};

/** Manifest `number` of the run; NULL when there is none. */
const struct pst_suit_manifest *
pst_suit_tree_manifest(const struct pst_suit_run *run, uint32_t number);

/** The dependency at a place whose integrity was verified in the context of
 * the manifest that runs; or NULL. */
struct pst_suit_loaded *
pst_suit_tree_verified(const struct pst_suit_run *run, uint32_t place);

/**
 * The envelope that a component holds, read into what is free of the arena.
 *
 * @param env  views the arena, until the next call
 * @retval PST_ERR_NOT_FOUND  the component has no content
 * @retval PST_ERR_LIMIT      it does not fit
 */
enum pst_err pst_suit_tree_read(struct pst_suit_run *run,
    const struct pst_suit_command_now *c, struct pst_bytes *env) PST_MUST_CHECK;

/**
 * Authenticate the envelope that the component holds, compare it with digest
 * and keep it, for the context of the manifest that runs.
 */
enum pst_err pst_suit_tree_load(struct pst_suit_run *run,
    const struct pst_suit_command_now *c, const struct pst_suit_digest *digest,
    struct pst_suit_loaded **out) PST_MUST_CHECK;

/** What was verified of the dependency at a place, or of all for
 * PST_SUIT_PLACES_MAX, is verified no more. */
void pst_suit_integrity_drop(struct pst_suit_run *run, uint32_t place);

/** Where a component is, for a report: its manifest and its index there. */
void pst_suit_place_record(const struct pst_suit_run *run, uint32_t place,
    struct pst_suit_record *record);

/** The place of a component of the manifest that runs. */
uint32_t pst_suit_place(const struct pst_suit_run *run, uint32_t index);

/** The number of the manifest that runs. */
static inline uint8_t
pst_suit_number(const struct pst_suit_run *run)
{
	return run->calls[run->call_depth - 1].manifest;
}

/* run.c */

/** Begin with a section of the root. */
enum pst_err pst_suit_call_root(
    struct pst_suit_run *run, enum pst_suit_label section) PST_MUST_CHECK;

/**
 * Begin with a section of a dependency, above what runs.
 *
 * @param index  of the dependency in the manifest that runs
 * @param again  carry the present command out again afterwards
 */
enum pst_err
pst_suit_call(struct pst_suit_run *run, const struct pst_suit_loaded *l,
    uint32_t index, enum pst_suit_label section, bool again) PST_MUST_CHECK;

/** Run until the section of the root ends. */
enum pst_err pst_suit_go(struct pst_suit_run *run) PST_MUST_CHECK;

/**
 * The command that waited has come to this; go on after it.
 *
 * @param undelivered  err says why its payload could not be had
 */
enum pst_err pst_suit_go_on(struct pst_suit_run *run, enum pst_err err,
    bool undelivered) PST_MUST_CHECK;

/** The run is over. @return err */
enum pst_err
pst_suit_fail(struct pst_suit_run *run, enum pst_err err) PST_MUST_CHECK;

/* dependency.c */
pst_suit_action pst_suit_do_dependency_integrity;
pst_suit_action pst_suit_do_is_dependency;
pst_suit_action pst_suit_do_process_dependency;

/** The digest, with alg, of the manifest that a dependency holds, into
 * run->measured. */
enum pst_err pst_suit_measure_dependency(struct pst_suit_run *run,
    const struct pst_suit_command_now *c, int32_t alg) PST_MUST_CHECK;

/** Was every dependency processed in the section that ends now? */
enum pst_err
pst_suit_dependencies_done(struct pst_suit_run *run) PST_MUST_CHECK;

/** The dependency on top came to the end of its section. */
void pst_suit_dependency_ran(struct pst_suit_run *run);

/** A payload could not be had: err, or that a dependency is not there. */
enum pst_err pst_suit_missing(struct pst_suit_run *run,
    const struct pst_suit_command_now *c, enum pst_err err) PST_MUST_CHECK;

/* rights.c */

/**
 * May the command be carried out: by the signer of its own manifest, and with
 * parameters whose setters may say how (Section 9)?
 */
enum pst_err pst_suit_authorised(struct pst_suit_run *run,
    const struct pst_suit_command_now *c) PST_MUST_CHECK;

/** Likewise for one act of manifest `number` on a place. */
enum pst_err pst_suit_may(struct pst_suit_run *run, uint32_t number,
    uint32_t place, enum pst_suit_act_kind kind, int64_t label) PST_MUST_CHECK;

/* images.c */

/** copy-params gives component `to` the parameter that `from` may have. */
typedef void
pst_suit_copied(void *ctx, uint32_t from, uint32_t to, int64_t label);

/** pst_suit_manifest_images that tells of copy-params too; copy may be NULL. */
enum pst_err pst_suit_walk(const struct pst_suit_manifest *m,
    pst_suit_visit *visit, pst_suit_copied *copy, void *ctx,
    struct pst_suit_images *out) PST_MUST_CHECK;

/* shape.c: the structure of sequences, shared with the walk of images.c */

/** What is known of a command without looking at its argument. */
struct pst_suit_trait {
	bool known;	/* of some draft */
	bool supported; /* by this build */
	bool policy;	/* its argument is a reporting policy */
	bool component; /* acts on a component, so is to be authorised */
	bool shared;	/* may stand in the shared sequence (Section 8.4.5) */
	uint32_t takes; /* bit n: parameter n, which its setter answers for */
};
const struct pst_suit_trait *pst_suit_trait_of(int64_t id);

/** Has the host what a command, or a parameter, needs of it? */
bool pst_suit_host_does(const struct pst_suit_host *host, int64_t command);
bool pst_suit_host_takes(const struct pst_suit_host *host,
    const struct pst_crypto *crypto, int64_t parameter);

/** Sections that this build has, as bits. */
#define PST_SUIT_SECTIONS_BUILT \
	(PST_SUIT_SECTIONS & \
	    ~(PST_SUIT_WITH_UPDATE_MANAGEMENT ? 0 \
					      : 1u << PST_SUIT_SET_VERSION) & \
	    ~(PST_SUIT_WITH_COSWID ? 0 : 1u << PST_SUIT_COSWID))

/** Why a command is refused; PST_OK when it is not. */
enum pst_err pst_suit_command_refused(int64_t id, bool shared);

/**
 * Begin to read the sequence that is in code[at .. at + len].
 *
 * @param first  set to the offset of its first command
 * @param count  set to the commands in it
 */
enum pst_err pst_suit_sequence(struct pst_bytes code, uint32_t at, uint32_t len,
    uint32_t *first, uint32_t *count) PST_MUST_CHECK;

/** Likewise for the argument of try-each: alternatives, all bstr or nil. */
enum pst_err pst_suit_alternatives(struct pst_bytes code, uint32_t at,
    uint32_t *first, uint32_t *count) PST_MUST_CHECK;

/** Does a manifest need what this build cannot process at all? */
enum pst_err
pst_suit_supported(const struct pst_suit_manifest *m) PST_MUST_CHECK;

/** The argument of set-component-index, judged. */
struct pst_suit_index {
	enum index_kind kind;
	uint32_t one;	   /* INDEX_ONE */
	uint32_t list_at;  /* INDEX_LIST: offset of the first */
	uint32_t list_len; /* INDEX_LIST */
};
enum pst_err pst_suit_index_read(struct pst_bytes code, uint32_t at,
    size_t components, struct pst_suit_index *out) PST_MUST_CHECK;

/** Entry n of an index list that was judged. */
uint32_t
pst_suit_index_entry(struct pst_bytes code, uint32_t list_at, uint32_t n);

#endif
